#include <fmt/format.h>

#include <algorithm>
#include <boost/algorithm/string/predicate.hpp>

#include "remediations/changes/changes.hpp"
#include "remediations/knowledge/agent/agent_service.hpp"
#include "remediations/knowledge/agent/windows_agent.hpp"
#include "remediations/knowledge/logs/log_evidence.hpp"
#include "remediations/knowledge/windows/windows_paths.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::npcap_loopback_adapter {

using machine::Machine;

namespace {

/// Npcap's installer uses this name in every language; a user can rename the adapter.
constexpr auto adapter_name = "Npcap Loopback Adapter";
constexpr auto tried_there = "Attempting to discover fabric address on interface Npcap Loopback Adapter";
constexpr auto failed_there = "Did not discover fabric address on interface Npcap Loopback Adapter";
constexpr auto found_address = "Using fabric address";

/// Returns the newest failure, unless the agent has found the platform since.
const LogLine* failure(const Machine& machine) {
    const auto& logs = machine.derived<LogEvidence>();
    const auto* failed = logs.find_current(Log::agent, failed_there);
    if (!failed) failed = logs.find_current(Log::agent, tried_there);
    if (!failed) return nullptr;
    const auto* found = logs.find(Log::agent, found_address);
    const bool found_since =
        found && found->newest.time && failed->newest.time && *found->newest.time >= *failed->newest.time;
    return found_since ? nullptr : &failed->newest;
}

Finding diagnose(const Machine& machine) {
    const auto interfaces = machine.network().interfaces();
    if (!interfaces) return Finding::unknown("network interfaces", interfaces.error());
    const auto adapter = std::ranges::find_if(*interfaces, [](const auto& interface) {
        return interface.up && boost::istarts_with(interface.name, adapter_name);
    });
    if (adapter == interfaces->end()) return Finding::healthy("No loopback adapter of Npcap is in use.");
    std::vector<Evidence> evidence{{"network adapter", adapter->name + ", enabled", ""}};
    const auto* line = failure(machine);
    if (!line) {
        return Finding::healthy("Npcap's loopback adapter is there, and the guest agent finds the platform.",
                                std::move(evidence));
    }
    evidence.push_back(line->evidence("the platform's address is found on the VM's own adapter"));
    auto finding = Finding::broken(
        "The guest agent looks for the Azure platform on Npcap's loopback adapter, where it cannot be.",
        std::move(evidence),
        fmt::format("Disable the adapter \"{}\" (ncpa.cpl) and restart the guest agent; Wireshark and Nmap then cannot "
                    "record loopback traffic.",
                    adapter->name));
    finding.subjects = {adapter->name};
    return finding;
}

machine::Result<void> fix(const Finding& finding, Changes& changes) {
    const auto& name = finding.subjects.front();
    const auto netsh = system_folder(changes.machine()) + R"(\netsh.exe)";
    const auto disabled = changes.run_tool({netsh, {"interface", "set", "interface", name, "disable"}},
                                           fmt::format("disables the network adapter {}", name));
    return disabled ? restart_agent(changes) : disabled;
}

}  // namespace

Remediation remediation() {
    return {
        .id = "npcap-loopback-adapter",
        .title = "Npcap's loopback adapter leads the guest agent astray",
        .layer = Layer::network,
        .scope = Scope::windows,
        .error_codes = {"UserErrorGuestAgentStatusUnavailable", "VMAgentStatusCommunicationError",
                        "GuestAgentSnapshotTaskStatusError"},
        .disruption = Disruption::workload,
        .explanation =
            "Wireshark and Nmap install Npcap, whose loopback adapter looks like a network adapter. An older guest "
            "agent asks for the platform's address there and gets no DHCP answer. The fix disables that adapter and "
            "restarts the agent; it needs approval, because tools that record loopback traffic then fail, and the "
            "adapter has to be enabled again by hand.",
        .source = "https://learn.microsoft.com/troubleshoot/azure/virtual-machines/windows/windows-azure-guest-agent",
        .signals = {judged(Log::agent, tried_there),
                    judged(Log::agent, found_address),
                    {.role = Role::proof, .line = {Log::agent, failed_there}, .revoked_by = {found_address}}},
        .consequences = {"agent-hung", "wire-server-unreachable", "backup-extension-state"},
        .diagnose = diagnose,
        .fix = fix,
    };
}

}  // namespace remediations::causes::npcap_loopback_adapter
