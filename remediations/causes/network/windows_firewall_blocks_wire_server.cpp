#include <fmt/format.h>

#include <algorithm>

#include "remediations/changes/changes.hpp"
#include "remediations/changes/windows_firewall_switch.hpp"
#include "remediations/knowledge/network/platform_probes.hpp"
#include "remediations/knowledge/network/windows_firewall.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::windows_firewall_blocks_wire_server {

using machine::Machine;

namespace {

constexpr std::uint16_t ports[] = {80, 32526};

/// WSAEACCES: a filter in Windows forbids the connection.
constexpr long forbidden = 10013;

FirewallMatch match(const WindowsFirewallRule& rule) {
    auto best = FirewallMatch::no;
    for (const auto port : ports) best = std::max(best, matches_agent_traffic(rule, wire_server_address, port));
    return best;
}

/// Returns true if the rule is only for the platform's address, so that removing it lets nothing else through.
bool is_for_platform_alone(const WindowsFirewallRule& rule) {
    const auto ranges = rule.values("RA4");
    return !ranges.empty() && rule.values("RA42").empty() && std::ranges::all_of(ranges, [](const auto range) {
        return range.substr(0, range.find('/')) == wire_server_address &&
               (range.ends_with(wire_server_address) || range.ends_with("/32") || range.ends_with("/255.255.255.255"));
    });
}

constexpr auto allow_command =
    "netsh advfirewall firewall add rule name=\"Azure platform\" dir=out action=allow protocol=TCP "
    "remoteip=168.63.129.16 remoteport=80,32526";

std::string place_of(const WindowsFirewallRule& rule) {
    return fmt::format("{}{}\\{}", rule.is_policy ? "group policy, " : "", rule.key, rule.id);
}

Finding blocked_by_rules(const Machine& machine, const std::vector<const WindowsFirewallRule*>& rules,
                         std::vector<Evidence> evidence) {
    std::vector<std::string> subjects;
    for (const auto* rule : rules) {
        evidence.push_back({place_of(*rule), rule->text.substr(0, 400),
                            fmt::format("no active rule that blocks {} ports 80 and 32526", wire_server_address)});
        const bool is_plain = match(*rule) == FirewallMatch::yes && is_for_platform_alone(*rule);
        if (!rule->is_policy && is_plain && unique_firewall_rule_name(machine, rule->id)) subjects.push_back(rule->id);
    }
    const auto* const first = rules.front();
    const auto summary = fmt::format("An outbound rule of Windows Firewall, \"{}\", {} {}.", first->name,
                                     match(*first) == FirewallMatch::yes ? "blocks" : "may block", wire_server_address);
    if (subjects.size() < rules.size()) {
        return Finding::needs_operator(
            summary, std::move(evidence),
            fmt::format("Disable the rule or take {} out of it, in wf.msc, or in the group policy that brings it: a "
                        "rule that allows does not win over one that blocks.",
                        wire_server_address));
    }
    auto finding = Finding::broken(
        summary, std::move(evidence),
        fmt::format("Disable the rule in wf.msc (Outbound Rules), or take {} out of it.", wire_server_address));
    finding.subjects = std::move(subjects);
    finding.changes_security = true;
    return finding;
}

Finding diagnose(const Machine& machine) {
    const auto& wire_server = machine.derived<WireServerProbes>();
    if (const auto error = wire_server.not_looked()) return Finding::unknown(wire_server.failure()->where, *error);
    const auto* failure = wire_server.failure();
    if (!failure) {
        return Finding::healthy(fmt::format("No firewall keeps this VM from {}: it answers.", wire_server_address),
                                {wire_server.probes()[0].evidence(), wire_server.probes()[1].evidence()});
    }
    std::vector<Evidence> evidence{failure->evidence()};
    const auto service = machine.services().find("mpssvc");
    if (service && service->state != machine::ServiceState::running) {
        return Finding::healthy("Windows Firewall does not run.", std::move(evidence));
    }
    const auto rules = windows_firewall_rules(machine);
    if (!rules) return Finding::unknown("rules of Windows Firewall", rules.error());
    std::vector<const WindowsFirewallRule*> certain;
    std::vector<const WindowsFirewallRule*> possible;
    bool is_allowed = false;
    for (const auto& rule : *rules) {
        const auto fits = match(rule);
        if (fits == FirewallMatch::no) continue;
        if (!rule.blocks) is_allowed = true;
        if (rule.blocks) (fits == FirewallMatch::yes ? certain : possible).push_back(&rule);
    }
    if (!certain.empty()) return blocked_by_rules(machine, certain, std::move(evidence));
    const auto blocking = profiles_that_block_outbound(machine);
    if (!blocking.empty() && !is_allowed) {
        for (const auto& profile : blocking) {
            evidence.push_back(
                {profile.place + "\\DefaultOutboundAction", "1 (block)", "a rule that allows the platform"});
        }
        return Finding::needs_operator(
            fmt::format("Windows Firewall blocks all that no rule allows, and none allows {}.", wire_server_address),
            std::move(evidence),
            fmt::format("Allow it, in an elevated command prompt or the group policy: {}", allow_command));
    }
    if (!possible.empty()) return blocked_by_rules(machine, possible, std::move(evidence));
    if (failure->answer.error().code == forbidden) {
        return Finding::needs_operator(
            fmt::format("A filter in this Windows forbids connections to {}, and it is no rule of Windows Firewall.",
                        wire_server_address),
            std::move(evidence),
            "Another product filters through the Windows Filtering Platform. Find it: netsh wfp show filters dir=OUT "
            "remoteaddr=168.63.129.16, and let SYSTEM reach that address on TCP 80 and 32526 there.");
    }
    evidence.push_back({"filters of other products (WFP)", "not looked at", ""});
    return Finding::healthy(fmt::format("No rule of Windows Firewall stops connections to {}.", wire_server_address),
                            std::move(evidence));
}

machine::Result<void> fix(const Finding& finding, Changes& changes) {
    for (const auto& id : finding.subjects) {
        if (auto disabled = changes.set_windows_firewall_rule(id, false); !disabled) return disabled;
    }
    return {};
}

}  // namespace

Remediation remediation() {
    return {
        .id = "windows-firewall-blocks-wire-server",
        .title = "Windows Firewall blocks the Azure platform address 168.63.129.16",
        .layer = Layer::network,
        .scope = Scope::windows,
        .error_codes = {"UserErrorGuestAgentStatusUnavailable", "ExtensionSnapshotFailedNoNetwork",
                        "VMAgentStatusCommunicationError", "GuestAgentSnapshotTaskStatusError",
                        "VMRestorePointInternalError", "InternalError"},
        .disruption = Disruption::none,
        .explanation =
            "An outbound rule, local or of a group policy, or a profile that blocks what no rule allows, keeps the "
            "guest agent from the platform. A network security group cannot do that. The rules are read from the "
            "registry, only where the address does not answer. The fix disables a local rule that is for this address "
            "alone; others a person has to change. What other products filter is not seen here.",
        .source = "https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16",
        .consequences = {"wire-server-unreachable", "dhcp-disabled", "wrong-source-address"},
        .diagnose = diagnose,
        .fix = fix,
    };
}

}  // namespace remediations::causes::windows_firewall_blocks_wire_server
