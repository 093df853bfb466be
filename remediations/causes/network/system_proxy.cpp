#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "remediations/changes/changes.hpp"
#include "remediations/knowledge/agent/agent_service.hpp"
#include "remediations/knowledge/logs/log_evidence.hpp"
#include "remediations/knowledge/network/platform_probes.hpp"
#include "remediations/knowledge/network/windows_proxy.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::system_proxy {

using machine::Machine;

namespace {

constexpr const char* complaints[] = {"GetVersions() failed with exception",
                                      "Exception while fetching supported versions from HostGAPlugin", "(407)"};
constexpr auto fresh = std::chrono::hours(1);

bool lets_platform_pass(const WindowsProxy& proxy) {
    return bypasses(proxy.settings.bypass, wire_server_address) && bypasses(proxy.settings.bypass, metadata_address);
}

std::vector<WindowsProxy> proxies_in_the_way(const Machine& machine) {
    auto proxies = proxies_of_system(machine);
    std::erase_if(proxies, lets_platform_pass);
    return proxies;
}

/// Returns the agent's newest line, near the end of its log, that says that it cannot connect to the platform.
const LogLine* complaint(const Machine& machine) {
    const auto& logs = machine.derived<LogEvidence>();
    const auto newest = logs.newest_line(Log::agent);
    for (const auto* text : complaints) {
        const auto* match = logs.find_current(Log::agent, text);
        if (match && match->newest.time && newest && *newest - *match->newest.time < fresh) return &match->newest;
    }
    return nullptr;
}

Finding diagnose(const Machine& machine) {
    const auto all = proxies_of_system(machine);
    if (all.empty()) return Finding::healthy("Neither WinHTTP nor the account SYSTEM uses a proxy.");
    std::vector<Evidence> evidence;
    for (const auto& proxy : all) {
        evidence.push_back({proxy.place(),
                            fmt::format("proxy {}, not for: {}", proxy.settings.proxy, proxy.settings.bypass),
                            fmt::format("not for {} and {}", wire_server_address, metadata_address)});
    }
    if (proxies_in_the_way(machine).empty()) {
        return Finding::healthy("A proxy is set, and the Azure platform is taken out of it.", std::move(evidence));
    }
    const auto& wire_server = machine.derived<WireServerProbes>();
    const auto* line = complaint(machine);
    if (line) evidence.push_back(line->evidence("no such line"));
    evidence.push_back(wire_server.probes().front().evidence());
    auto finding = Finding::broken(
        fmt::format("Programs of SYSTEM, such as the guest agent, are told to send what is meant for {} to a proxy, "
                    "which cannot reach it.",
                    wire_server_address),
        std::move(evidence),
        fmt::format("Add {};{} to the addresses that the proxy is not used for: netsh winhttp show proxy, and the "
                    "settings of the account SYSTEM (bitsadmin /util /getieproxy LOCALSYSTEM). Where a group policy "
                    "sets them, change it there.",
                    wire_server_address, metadata_address));
    // The probes use no proxy: where they reach the platform and the agent does not, it is the proxy.
    const bool is_proven = line != nullptr && wire_server.reachable();
    return is_proven ? finding : std::move(finding).as_risk();
}

std::string with_platform(std::string bypass) {
    for (const auto* address : {wire_server_address, metadata_address}) {
        if (bypasses(bypass, address)) continue;
        if (!bypass.empty() && !bypass.ends_with(';')) bypass += ';';
        bypass += address;
    }
    return bypass;
}

machine::Result<void> fix(const Finding&, Changes& changes) {
    for (auto& proxy : proxies_in_the_way(changes.machine())) {
        proxy.settings.bypass = with_platform(proxy.settings.bypass);
        const auto value = proxy.kind == WindowsProxy::Kind::binary
                               ? machine::RegistryValue{machine::RegistryType::binary, to_bytes(proxy.settings)}
                               : machine::RegistryValue{machine::RegistryType::string, proxy.settings.bypass};
        if (auto set = changes.set_registry_value(proxy.key, proxy.name, value); !set) return set;
    }
    return restart_agent(changes);
}

}  // namespace

Remediation remediation() {
    return {
        .id = "system-proxy",
        .title = "A proxy of Windows swallows what is meant for the Azure platform",
        .layer = Layer::network,
        .scope = Scope::windows,
        .error_codes = {"UserErrorGuestAgentStatusUnavailable", "VMAgentStatusCommunicationError",
                        "GuestAgentSnapshotTaskStatusError", "ExtensionSnapshotFailedNoNetwork",
                        "VMExtensionProvisioningError", "ExtensionFailedTimeoutDelayInNetwork"},
        .disruption = Disruption::agent_restart,
        .explanation =
            "168.63.129.16 and 169.254.169.254 exist for this VM alone; no proxy can reach them. Where WinHTTP's proxy "
            "or that of the account SYSTEM is not told so, the guest agent may ask the proxy. The fix adds both "
            "addresses to the list that the proxy is not used for, and restarts the agent. Unless the agent complains "
            "while the platform answers directly, this is a risk only.",
        .source = "https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16",
        .signals = {judged(Log::agent, complaints[0]), judged(Log::agent, complaints[1]),
                    judged(Log::agent, complaints[2])},
        .consequences = {"agent-hung", "backup-extension-state"},
        .diagnose = diagnose,
        .fix = fix,
    };
}

}  // namespace remediations::causes::system_proxy
