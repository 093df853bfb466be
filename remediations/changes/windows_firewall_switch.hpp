#pragma once

#include <memory>
#include <string>

#include "remediations/changes/slot.hpp"

namespace remediations {

/// Returns a slot that says if a local outbound rule of Windows Defender Firewall is enabled: true, false, or null
/// where no rule has this id (the name of its value below FirewallPolicy\FirewallRules). Writes with netsh, so that the
/// firewall applies the change at once. netsh knows rules by name only: ErrorKind::unsupported for a name that several
/// outbound rules share, and for a localized name.
std::unique_ptr<Slot> windows_firewall_rule_slot(std::string id);

/// The registry key of the local rules.
inline constexpr auto windows_firewall_rules_key =
    R"(HKLM\SYSTEM\CurrentControlSet\Services\SharedAccess\Parameters\FirewallPolicy\FirewallRules)";

/// Returns the name of the rule, where netsh can select exactly this outbound rule by it. ErrorKind::unsupported where
/// another outbound rule has the same name, or where netsh cannot take the name.
machine::Result<std::string> unique_firewall_rule_name(const machine::Machine& machine, const std::string& id);

}  // namespace remediations
