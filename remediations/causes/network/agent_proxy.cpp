#include <fmt/format.h>

#include <algorithm>
#include <boost/algorithm/string/case_conv.hpp>
#include <boost/algorithm/string/classification.hpp>
#include <boost/algorithm/string/predicate.hpp>
#include <boost/algorithm/string/split.hpp>
#include <boost/algorithm/string/trim.hpp>
#include <charconv>
#include <optional>

#include "remediations/changes/changes.hpp"
#include "remediations/knowledge/agent/agent_service.hpp"
#include "remediations/knowledge/configuration/agent_configuration.hpp"
#include "remediations/knowledge/logs/log_evidence.hpp"
#include "remediations/knowledge/network/platform_probes.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::agent_proxy {

using machine::ErrorKind;
using machine::Machine;
using machine::Result;

namespace {

constexpr auto host_key = "HttpProxy.Host";
constexpr auto port_key = "HttpProxy.Port";

/// The agent logs the proxy that it uses (in verbose logs), and what the proxy refuses.
constexpr auto uses_proxy = "HTTP proxy: [";
constexpr auto tunnel_failed = "Tunnel connection failed";
/// Only an agent that gets its goal states writes this.
constexpr auto heartbeat = "UpdateGSErrors: 0";

struct Proxy {
    std::string where;  ///< file and line of the setting
    std::string text;
    std::string host;
    std::uint16_t port = 0;  ///< 0 where there is none or it is not a port
    bool in_agent_configuration = false;
};

std::optional<std::uint16_t> port_in(std::string_view digits) {
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (error != std::errc() || end != digits.data() + digits.size() || port == 0) return std::nullopt;
    return port;
}

std::optional<Proxy> configured_proxy(const Machine& machine) {
    const auto& configuration = AgentConfiguration::of(machine);
    if (!configuration) return std::nullopt;
    const auto host = configuration->text_of(host_key, "");
    if (host.empty()) return std::nullopt;
    const auto line = configuration->lines_of(host_key).back();
    return Proxy{fmt::format("{}:{}", configuration->path(), line.number), line.text, host,
                 port_in(configuration->text_of(port_key, "")).value_or(0), true};
}

/// Parses "http_proxy=http://name:password@proxy.example:3128/" of an environment. Does not keep the password.
std::optional<Proxy> proxy_in(std::string_view assignment, const std::string& where) {
    const auto equals = assignment.find('=');
    if (equals == std::string_view::npos) return std::nullopt;
    const auto name = boost::to_lower_copy(std::string(assignment.substr(0, equals)));
    if (name != "http_proxy" && name != "https_proxy") return std::nullopt;
    auto rest = boost::algorithm::trim_copy_if(std::string(assignment.substr(equals + 1)), boost::is_any_of("\"' "));
    if (const auto scheme = rest.find("://"); scheme != std::string::npos) rest.erase(0, scheme + 3);
    rest = rest.substr(0, rest.find('/'));
    if (const auto user = rest.rfind('@'); user != std::string::npos) rest.erase(0, user + 1);
    const auto colon = rest.rfind(':');
    const auto host = rest.substr(0, colon);
    if (host.empty()) return std::nullopt;
    const auto port = colon == std::string::npos ? std::optional<std::uint16_t>() : port_in(rest.substr(colon + 1));
    return Proxy{where, fmt::format("{}={}", name, rest), host, port.value_or(80), false};
}

/// Returns the proxies in the agent's environment from systemd; /etc/environment applies only to logins.
std::vector<Proxy> proxies_of_unit(const Machine& machine) {
    std::vector<Proxy> proxies;
    const auto& service = agent_service_of(machine);
    if (!service) return proxies;
    std::vector<machine::Path> files{fmt::format("/etc/systemd/system/{}.service", service->name)};
    const auto folder = fmt::format("/etc/systemd/system/{}.service.d", service->name);
    if (const auto names = machine.files().list(folder)) {
        for (const auto& name : *names) files.push_back(folder + "/" + name);
    }
    for (const auto& file : files) {
        const auto text = machine.files().read(file);
        if (!text) continue;
        std::vector<std::string> lines;
        boost::split(lines, *text, boost::is_any_of("\n"));
        for (std::size_t index = 0; index < lines.size(); ++index) {
            const auto line = boost::algorithm::trim_copy(lines[index]);
            if (!line.starts_with("Environment=")) continue;
            std::vector<std::string> assignments;
            const auto list = line.substr(std::string_view("Environment=").size());
            boost::split(assignments, list, boost::is_any_of(" \"'"), boost::token_compress_on);
            for (const auto& assignment : assignments) {
                if (auto proxy = proxy_in(assignment, fmt::format("{}:{}", file, index + 1))) {
                    proxies.push_back(std::move(*proxy));
                }
            }
        }
    }
    return proxies;
}

/// The result of asking the proxy itself for a page: any answer is good, even a refusal in HTTP.
struct Check {
    bool answers = false;
    bool looked = true;  ///< false: the capture does not have the answer
    Evidence evidence;
};

Check check(const Machine& machine, const Proxy& proxy) {
    const auto where = fmt::format("proxy {}:{}", proxy.host, proxy.port);
    if (proxy.port == 0) {
        return {false, true, {proxy.where, proxy.text, fmt::format("a port in {} beside it", port_key)}};
    }
    const auto answer = machine.network().get({.host = proxy.host,
                                               .port = proxy.port,
                                               .path = "/",
                                               .headers = {},
                                               .timeout = std::chrono::milliseconds(1500)});
    if (answer) return {true, true, {where, fmt::format("HTTP {}", answer->status), "an answer"}};
    const auto kind = answer.error().kind;
    // It accepted the connection; its answer does not matter here.
    if (kind == ErrorKind::invalid || kind == ErrorKind::too_large) {
        return {true, true, {where, "it accepts connections", "an answer"}};
    }
    return {false, kind != ErrorKind::not_captured, {where, answer.error().message, "an answer"}};
}

std::string action_for(const Proxy& proxy) {
    if (proxy.in_agent_configuration) {
        return fmt::format(
            "Set {} and {} to None in waagent.conf and restart the guest agent: a VM backup needs no "
            "proxy. If the agent must use one, write a proxy that answers there.",
            host_key, port_key);
    }
    return fmt::format(
        "Remove the proxy from {}, or correct it, and add {} and {} to no_proxy there; then run systemctl "
        "daemon-reload and restart the guest agent.",
        proxy.where, wire_server_address, metadata_address);
}

Finding diagnose(const Machine& machine) {
    auto proxies = proxies_of_unit(machine);
    // The agent prefers its configuration to its environment.
    if (auto configured = configured_proxy(machine)) proxies.insert(proxies.begin(), std::move(*configured));
    if (proxies.empty()) return Finding::healthy("The guest agent uses no proxy.");
    const auto& proxy = proxies.front();
    const auto& logs = machine.derived<LogEvidence>();
    const auto checked = check(machine, proxy);
    std::vector<Evidence> evidence{{proxy.where, proxy.text, "no proxy, or one that answers"}};
    if (proxy.port != 0) evidence.push_back(checked.evidence);
    const auto* refused = logs.find_current(Log::agent, tunnel_failed);
    const auto* used = logs.find_current(Log::agent, uses_proxy);
    for (const auto* match : {refused, used}) {
        if (match) evidence.push_back(match->newest.evidence("downloads that succeed"));
    }
    const bool is_proven = refused || (used && !checked.answers && checked.looked);
    if (is_proven) {
        const auto summary = fmt::format("The guest agent downloads through the proxy {}:{}, which {}.", proxy.host,
                                         proxy.port, checked.answers ? "refuses" : "does not answer");
        return proxy.in_agent_configuration ? Finding::broken(summary, std::move(evidence), action_for(proxy))
                                            : Finding::needs_operator(summary, std::move(evidence), action_for(proxy));
    }
    if (!checked.looked && used) {
        auto finding = Finding::needs_operator(
            fmt::format("The guest agent downloads through the proxy {}:{}; whether that answers is not known.",
                        proxy.host, proxy.port),
            std::move(evidence), action_for(proxy));
        const auto* works = logs.find(Log::agent, heartbeat);
        const bool worked_since = works && works->newest.time >= used->newest.time;
        return worked_since ? std::move(finding).as_risk() : finding;
    }
    if (!checked.looked) {
        return Finding::unknown(checked.evidence.where, machine::Error::not_captured(checked.evidence.seen));
    }
    if (!checked.answers) {
        return Finding::needs_operator(
                   fmt::format("The guest agent is told to use a proxy, {}, that does not answer.", proxy.host),
                   std::move(evidence), action_for(proxy))
            .as_risk();
    }
    return Finding::healthy("The guest agent's proxy answers.", std::move(evidence));
}

Result<void> fix(const Finding&, Changes& changes) {
    const auto configuration = AgentConfiguration::read(changes.machine());
    if (!configuration) return configuration.error();
    const auto service = agent_service_name(changes.machine());
    if (!service) return service.error();
    const auto without_host =
        AgentConfiguration::parse(configuration->path(), configuration->with_value(host_key, "None"));
    if (auto written = changes.write_file(configuration->path(), without_host.with_value(port_key, "None")); !written) {
        return written;
    }
    return changes.restart_service(*service);
}

}  // namespace

Remediation remediation() {
    return {
        .id = "agent-proxy",
        .title = "The guest agent is told to use a proxy that does not work",
        .layer = Layer::network,
        .scope = Scope::linux,
        .error_codes = {"UserErrorGuestAgentStatusUnavailable", "GuestAgentSnapshotTaskStatusError",
                        "VMExtensionProvisioningError"},
        .disruption = Disruption::agent_restart,
        .explanation =
            "HttpProxy.Host and HttpProxy.Port in waagent.conf, or http_proxy in the environment of the agent's "
            "service, send the agent's downloads of extensions through a proxy; old agents send what is meant for "
            "168.63.129.16 there too. A VM backup needs no proxy, and the backup extension uses none. The fix sets "
            "both keys to None where the agent's log and the proxy's silence prove the fault, and restarts the agent.",
        .source = "https://github.com/Azure/WALinuxAgent/issues/800",
        .signals = {judged(Log::agent, uses_proxy), judged(Log::agent, tunnel_failed), judged(Log::agent, heartbeat)},
        .consequences = {"agent-update-failed", "agent-status-not-reported", "backup-extension-state"},
        .diagnose = diagnose,
        .fix = fix,
    };
}

}  // namespace remediations::causes::agent_proxy
