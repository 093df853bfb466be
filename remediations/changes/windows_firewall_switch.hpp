#pragma once

#include <memory>
#include <string>

#include "remediations/changes/slot.hpp"

namespace remediations {

/// Whether a local outbound rule of Windows Defender Firewall is in effect: holds true, false, or null where there is
/// none with this id (its value's name below FirewallPolicy\FirewallRules). Written with netsh, through which the
/// firewall takes it in at once; it knows rules by their name, so a name that several outbound rules share, or a
/// localized one, is ErrorKind::unsupported.
std::unique_ptr<Slot> windows_firewall_rule_slot(std::string id);

/// Key of the local rules.
inline constexpr auto windows_firewall_rules_key =
    R"(HKLM\SYSTEM\CurrentControlSet\Services\SharedAccess\Parameters\FirewallPolicy\FirewallRules)";

/// Whether netsh can tell this outbound rule from all others by its name.
machine::Result<std::string> unique_firewall_rule_name(const machine::Machine& machine, const std::string& id);

}  // namespace remediations
