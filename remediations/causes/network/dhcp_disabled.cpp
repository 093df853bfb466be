#include <fmt/format.h>

#include <algorithm>
#include <boost/algorithm/string/predicate.hpp>
#include <optional>

#include "remediations/changes/changes.hpp"
#include "remediations/knowledge/agent/agent_service.hpp"
#include "remediations/knowledge/configuration/agent_configuration.hpp"
#include "remediations/knowledge/logs/log_evidence.hpp"
#include "remediations/knowledge/network/azure_vm.hpp"
#include "remediations/knowledge/network/instance_metadata.hpp"
#include "remediations/knowledge/network/network_configuration.hpp"
#include "remediations/knowledge/network/platform_probes.hpp"
#include "remediations/knowledge/network/routes.hpp"
#include "remediations/knowledge/network/windows_dhcp.hpp"
#include "remediations/knowledge/reasons/reasons_in.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::dhcp_disabled {

using machine::Machine;
using machine::Result;
using Addressing = ConfiguredInterface::Addressing;

namespace {

// As the agent writes them.
constexpr auto dhcp_failed = "Failed to send DHCP request";
constexpr auto wire_server_found = "Wire protocol version:";

/// An agent that continues without an answer soon writes other lines; one that waits writes none.
constexpr auto longest_silence = std::chrono::minutes(30);

constexpr auto discovery_key = "Protocol.EndpointDiscovery";

/// Returns the newest failed request, unless the agent has since found the wire server or continued.
const LogLine* waits_for_dhcp(const Machine& machine) {
    const auto& logs = machine.derived<LogEvidence>();
    const auto* failed = logs.find_current(Log::agent, dhcp_failed);
    if (!failed) return nullptr;
    const auto* found = logs.find(Log::agent, wire_server_found);
    if (found && found->newest.time && failed->newest.time && *found->newest.time >= *failed->newest.time) {
        return nullptr;
    }
    const auto newest = logs.newest_line(Log::agent);
    if (newest && failed->newest.time && *newest - *failed->newest.time > longest_silence) return nullptr;
    return &failed->newest;
}

bool discovers_without_dhcp(const AgentConfiguration& configuration) {
    return configuration.text_of(discovery_key, "dhcp") == "static";
}

/// Returns true if the installed agent knows the setting. Agents since 2025 do, and distributions patch older ones.
bool agent_knows_static_discovery(const Machine& machine) {
    for (const auto* libraries : {"/usr/lib", "/usr/lib64", "/usr/local/lib"}) {
        const auto names = machine.files().list(libraries);
        if (!names) continue;
        for (const auto& name : *names) {
            if (!name.starts_with("python")) continue;
            for (const auto* packages : {"dist-packages", "site-packages"}) {
                const auto source = machine.files().read(
                    fmt::format("{}/{}/{}/azurelinuxagent/common/conf.py", libraries, name, packages));
                if (source && boost::contains(*source, discovery_key)) return true;
            }
        }
    }
    return false;
}

/// Returns the interface that leads, or should lead, to the platform.
std::optional<machine::NetworkInterface> main_interface(const Machine& machine) {
    const auto interfaces = machine.network().interfaces();
    if (!interfaces) return std::nullopt;
    const auto source = machine.network().source_address(wire_server_address);
    if (const auto* interface = source ? interface_with(*interfaces, *source) : nullptr) return *interface;
    const auto card = std::ranges::find_if(*interfaces, [](const auto& entry) { return !entry.mac.empty(); });
    if (card == interfaces->end()) return std::nullopt;
    return *card;
}

std::vector<ConfiguredInterface> configured_for_main_interface(const Machine& machine) {
    const NetworkConfiguration configuration(machine);
    const auto interface = main_interface(machine);
    return interface ? configuration.of(*interface) : configuration.interfaces();
}

bool any_with(const std::vector<ConfiguredInterface>& configured, Addressing addressing) {
    return std::ranges::any_of(configured, [&](const auto& entry) { return entry.addressing == addressing; });
}

std::vector<Evidence> evidence_of(const std::vector<ConfiguredInterface>& configured) {
    std::vector<Evidence> evidence;
    for (const auto& entry : configured) {
        if (entry.addressing == Addressing::unset) continue;
        evidence.push_back({fmt::format("{}:{}", entry.file, entry.line), entry.text, "DHCP"});
    }
    return evidence;
}

/// Returns true if a fixed address is the primary one that Azure gave to the card; then it is right.
bool has_azures_address(const Machine& machine, const std::vector<ConfiguredInterface>& configured) {
    const auto& vm = machine.derived<InstanceMetadata>().description();
    if (!vm) return false;
    return std::ranges::any_of(vm->interfaces, [&](const auto& card) {
        return !card.addresses.empty() && std::ranges::any_of(configured, [&](const auto& entry) {
            return !entry.addresses.empty() && entry.addresses.front() == card.addresses.front();
        });
    });
}

std::string how_to_use_dhcp() {
    return "Let the network card get its address from DHCP again, from the serial console, after noting its present "
           "configuration, and set the wanted private address on the network interface in Azure (network interface > "
           "IP configurations > Static). netplan: dhcp4: true; ifcfg: BOOTPROTO=dhcp; NetworkManager: nmcli connection "
           "modify NAME ipv4.method auto; systemd-networkd: DHCP=ipv4; interfaces: inet dhcp.";
}

/// Returns true if the kernel refused to send the request, so that it did not leave the machine.
bool was_not_sent(const LogLine& line) {
    const auto reasons = reasons_in(line.text);
    constexpr std::int64_t not_permitted = 1;   // EPERM
    constexpr std::int64_t access_denied = 13;  // EACCES
    return std::ranges::any_of(reasons, [](const Reason& reason) {
        return reason.kind == Reason::Kind::errno_value &&
               (reason.number == not_permitted || reason.number == access_denied);
    });
}

Finding waiting(const Machine& machine, const LogLine& line, std::vector<Evidence> evidence) {
    evidence.insert(evidence.begin(), line.evidence("an answer with option 245"));
    if (was_not_sent(line)) {
        return Finding::needs_operator(
            "The guest agent may not send its DHCP request (operation not permitted): a local packet filter or a "
            "security program of this VM drops it, so the agent never finds the platform.",
            std::move(evidence),
            "Let root send DHCP requests (UDP from port 68 to port 67, also to 255.255.255.255) and reach "
            "168.63.129.16: see `nft list ruleset` and `iptables-save` for the rule in the output chain that drops "
            "them, and allow them before it. Then restart the guest agent.");
    }
    const auto summary =
        "The guest agent asks DHCP for the platform's address and gets no answer, so it never starts its work.";
    const bool reachable = machine.derived<WireServerProbes>().reachable();
    if (reachable && agent_knows_static_discovery(machine)) {
        return Finding::broken(summary, std::move(evidence),
                               fmt::format("Set {}=static in waagent.conf and restart the guest agent, so that it uses "
                                           "{} without asking; or let the network card use DHCP.",
                                           discovery_key, wire_server_address));
    }
    auto action = how_to_use_dhcp();
    if (reachable) {
        action += fmt::format(
            " Or keep the fixed address and add a route for {} itself to the network configuration "
            "(via the subnet's gateway): an agent that finds one does not ask DHCP.",
            wire_server_address);
    }
    return Finding::needs_operator(summary, std::move(evidence), std::move(action));
}

Finding fixed_and_unreachable(const Machine& machine, const std::vector<ConfiguredInterface>& configured,
                              std::vector<Evidence> evidence) {
    evidence.push_back(machine.derived<WireServerProbes>().failure()->evidence());
    auto finding = Finding::needs_operator(
        fmt::format("The network card has a fixed address instead of DHCP, and {} does not answer.",
                    wire_server_address),
        std::move(evidence), how_to_use_dhcp());
    return has_azures_address(machine, configured) ? std::move(finding).as_risk() : finding;
}

Finding diagnose(const Machine& machine) {
    if (machine.facts().platform == machine::Platform::windows) return diagnose_windows_dhcp(machine);
    if (!machine.derived<AzureVm>().is_one()) return AzureVm::elsewhere();
    const auto configured = configured_for_main_interface(machine);
    auto evidence = evidence_of(configured);
    const auto& configuration = AgentConfiguration::of(machine);
    if (configuration && discovers_without_dhcp(*configuration) && agent_knows_static_discovery(machine)) {
        evidence.push_back(
            {configuration->path(), fmt::format("{}=static", discovery_key), "dhcp, the default, or static"});
    } else if (const auto* line = waits_for_dhcp(machine)) {
        return waiting(machine, *line, std::move(evidence));
    }
    const auto& wire_server = machine.derived<WireServerProbes>();
    const bool is_fixed = any_with(configured, Addressing::fixed) && !any_with(configured, Addressing::dhcp);
    if (is_fixed && wire_server.failure() && !wire_server.not_looked()) {
        return fixed_and_unreachable(machine, configured, std::move(evidence));
    }
    return Finding::healthy(is_fixed ? "The network card has a fixed address, and the platform answers all the same."
                                     : "Nothing shows that the network card or the agent gets no answer from DHCP.",
                            std::move(evidence));
}

Result<void> fix(const Finding&, Changes& changes) {
    const auto configuration = AgentConfiguration::read(changes.machine());
    if (!configuration) return configuration.error();
    const auto service = agent_service_name(changes.machine());
    if (!service) return service.error();
    if (auto written = changes.write_file(configuration->path(), configuration->with_setting(discovery_key, "static"));
        !written) {
        return written;
    }
    return changes.restart_service(*service);
}

}  // namespace

Remediation remediation() {
    return {
        .id = "dhcp-disabled",
        .title = "The VM does not use DHCP, and the platform cannot be found without",
        .layer = Layer::network,
        .scope = Scope::both,
        .error_codes = {"UserErrorGuestAgentStatusUnavailable", "VMAgentStatusCommunicationError",
                        "GuestAgentSnapshotTaskStatusError", "VMRestorePointInternalError", "InternalError"},
        .disruption = Disruption::agent_restart,
        .explanation =
            "Azure gives a VM its address, its route to the platform and the platform's address (option 245) by DHCP. "
            "With a fixed address in the guest, an agent that finds no route of its own to 168.63.129.16 waits for a "
            "DHCP answer that never comes, and a wrong address makes the platform unreachable. A fixed address with "
            "which the platform answers is no fault. The fix, where the Linux agent knows the setting, makes it use "
            "168.63.129.16 without DHCP and restarts it; the network itself is never changed.",
        .source = "https://github.com/Azure/WALinuxAgent/issues/2781",
        .signals = {judged(Log::agent, dhcp_failed), judged(Log::agent, wire_server_found)},
        .consequences = {"agent-crash-looping", "agent-hung", "agent-status-not-reported", "backup-extension-state",
                         "wire-server-unreachable"},
        .diagnose = diagnose,
        .fix = fix,
    };
}

}  // namespace remediations::causes::dhcp_disabled
