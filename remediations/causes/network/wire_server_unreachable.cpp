#include <fmt/format.h>
#include <fmt/ranges.h>

#include <boost/algorithm/string/predicate.hpp>
#include <set>

#include "remediations/knowledge/agent/agent_processes.hpp"
#include "remediations/knowledge/agent/windows_agent.hpp"
#include "remediations/knowledge/logs/log_evidence.hpp"
#include "remediations/knowledge/network/azure_vm.hpp"
#include "remediations/knowledge/network/platform_probes.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::wire_server_unreachable {

using machine::ErrorKind;

namespace {

constexpr const char* failed_requests[] = {"[HTTP Failed] GET http://168.63.129.16",
                                           "[HTTP Failed] POST http://168.63.129.16",
                                           "[HTTP Failed] PUT http://168.63.129.16"};

/// Returns what the kind of failure of a connection means.
std::string meaning_of(const machine::Error& error) {
    constexpr long not_permitted = 1;  // EPERM of Linux; 10013, WSAEACCES, of Windows is judged as access_denied
    if (error.code == not_permitted || error.kind == ErrorKind::access_denied) {
        return "The kernel does not let this VM send them (operation not permitted): a local packet filter or security "
               "program drops them.";
    }
    switch (error.kind) {
        case ErrorKind::refused:
            return "Connections are refused. The platform itself refuses none: a firewall in this VM rejects them, or "
                   "another machine has the address.";
        case ErrorKind::timed_out:
            return "Nothing answers: a firewall in this VM drops the packets, a route or tunnel leads them elsewhere, "
                   "or this VM uses an address that Azure did not give it.";
        case ErrorKind::unreachable:
            return "The packets do not leave this VM: it has no route for them, or a firewall in it rejects them.";
        default:
            return {};
    }
}

void add_failed_requests(const machine::Machine& machine, std::vector<Evidence>& evidence) {
    for (const auto* text : failed_requests) {
        if (const auto* match = machine.derived<LogEvidence>().find_current(Log::agent, text)) {
            evidence.push_back(match->newest.evidence("no failed request"));
        }
    }
}

/// Judges an answer: it may not come from the platform.
Finding judge_answer(const machine::HttpResponse& answer, std::vector<Evidence> evidence) {
    const bool is_platform = answer.status == 200 && boost::contains(answer.body, "<Versions");
    if (is_platform) return Finding::healthy("The Azure platform answers.", std::move(evidence));
    evidence.push_back({fmt::format("{}:80", wire_server_address), answer.body.substr(0, 200), "<Versions>..."});
    auto finding = Finding::needs_operator(
        fmt::format("Something answers at {}, but not as the Azure platform does: HTTP {}.", wire_server_address,
                    answer.status),
        std::move(evidence),
        fmt::format(
            "Look for a transparent proxy or a redirection of packets in this VM and take {} out of it. If there "
            "is none, the host may be under maintenance: look again in an hour.",
            wire_server_address));
    // An error of the server itself passes by.
    return answer.status >= 500 ? std::move(finding).as_risk() : finding;
}

Finding diagnose(const machine::Machine& machine) {
    if (!machine.derived<AzureVm>().is_one()) return AzureVm::elsewhere();
    const auto& wire_server = machine.derived<WireServerProbes>();
    if (const auto error = wire_server.not_looked()) return Finding::unknown(wire_server.failure()->where, *error);
    std::vector<Evidence> evidence;
    std::set<std::string> lost;
    for (const auto& probe : wire_server.probes()) {
        evidence.push_back(probe.evidence());
        const bool is_health = &probe == &wire_server.probes().back();
        if (!probe.answer && !is_health) lost.insert(fmt::format("port {} ({})", probe.port, probe.used_for));
    }
    if (lost.empty()) return judge_answer(*wire_server.probes().front().answer, std::move(evidence));
    add_failed_requests(machine, evidence);
    return Finding::needs_operator(
        fmt::format("The Azure platform at {} does not answer on {}. {}", wire_server_address, fmt::join(lost, " and "),
                    meaning_of(wire_server.failure()->answer.error())),
        std::move(evidence),
        fmt::format(
            "Let root or SYSTEM reach {} on TCP 80 and 32526: look at this VM's firewall rules, routes, VPN clients, a "
            "proxy that takes all traffic, and whether its address comes from DHCP. A network security group cannot "
            "be the reason.",
            wire_server_address));
}

std::vector<Signal> proofs() {
    std::vector<Signal> all;
    for (const auto* text : failed_requests) {
        all.push_back({.role = Role::proof,
                       .line = {Log::agent, text},
                       .with = {" -- IOError"},
                       .revoked_by = signs_of_fetched_goal_state()});
    }
    for (const auto* how :
         {"timed out", "Connection refused", "unreachable", "No route to host", "Operation not permitted"}) {
        all.push_back({.role = Role::proof,
                       .line = {Log::agent, "http://168.63.129.16"},
                       .with = {how},
                       .revoked_by = signs_of_fetched_goal_state()});
    }
    // .NET ends the localized sentence with the address.
    for (const auto* port : {"168.63.129.16:80", "168.63.129.16:32526"}) {
        all.push_back({.role = Role::proof,
                       .line = {Log::agent, port},
                       .with = {"System.Net.Sockets.SocketException"},
                       .revoked_by = signs_of_windows_agent_at_work(),
                       .heals_unsaid = true});
    }
    for (const auto* text : {"GetVersions() failed with exception", "supported versions from HostGAPlugin"}) {
        all.push_back({.role = Role::proof,
                       .line = {Log::agent, text},
                       .revoked_by = signs_of_windows_agent_at_work(),
                       .heals_unsaid = true});
    }
    return all;
}

}  // namespace

Remediation remediation() {
    return {
        .id = "wire-server-unreachable",
        .title = "The Azure platform address 168.63.129.16 cannot be reached",
        .layer = Layer::network,
        .scope = Scope::both,
        .error_codes = {"ExtensionSnapshotFailedNoNetwork", "UserErrorGuestAgentStatusUnavailable",
                        "VMAgentStatusCommunicationError", "GuestAgentSnapshotTaskStatusError",
                        "VMRestorePointInternalError", "InternalError"},
        .disruption = Disruption::none,
        .explanation =
            "The guest agent gets its orders from 168.63.129.16 on TCP 80 and reports through port 32526; the snapshot "
            "itself is asked for on port 80. Both are tried as root or SYSTEM, because the agent's own firewall rule "
            "shuts out everyone else. Nothing else on the network is needed for a VM backup.",
        .source = "https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16",
        .signals = joined({{judged(Log::agent, failed_requests[0]), judged(Log::agent, failed_requests[1]),
                            judged(Log::agent, failed_requests[2])},
                           proofs()}),
        .consequences = {"wire-server-endpoint-wrong", "agent-update-failed", "agent-crash-looping", "agent-hung",
                         "agent-status-not-reported", "transport-certificate-missing", "agent-too-old",
                         "backup-extension-state", "wrong-wire-server-answer", "no-network-catch-all",
                         "instance-metadata-unreachable", "name-resolution", "storage-unreachable", "tls-interception"},
        .diagnose = diagnose,
        .fix = nullptr,
    };
}

}  // namespace remediations::causes::wire_server_unreachable
