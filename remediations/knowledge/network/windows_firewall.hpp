#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "remediations/machine/machine.hpp"

namespace remediations {

/// A rule of Windows Defender Firewall as the registry keeps it: "v2.31|Action=Block|Active=TRUE|Dir=Out|...|".
struct WindowsFirewallRule {
    std::string key;   ///< registry key it stands in
    std::string id;    ///< name of its value
    std::string text;  ///< as it stands there
    std::string name;  ///< as the user sees it; "@file,-number" where it is localized
    bool is_policy = false;
    bool blocks = false;
    bool is_active = true;
    bool is_outbound = false;
    std::vector<std::pair<std::string, std::string>> fields;  ///< all of them, in order

    /// Values of a field, which may occur several times.
    std::vector<std::string_view> values(std::string_view field) const;
};

/// ErrorKind::invalid for a text that is no rule.
machine::Result<WindowsFirewallRule> parse_windows_firewall_rule(std::string_view text);

enum class FirewallMatch { no, maybe, yes };

/// Whether the rule speaks of what the guest agent sends as SYSTEM: TCP from any port of ours to `address`, IPv4, and
/// `port`. `maybe` where a condition depends on what is not looked at: the network profile, an interface, a user.
FirewallMatch matches_agent_traffic(const WindowsFirewallRule& rule, std::string_view address, std::uint16_t port);

/// Local rules and those of group policy, in the order of the registry. What is no rule is left out.
machine::Result<std::vector<WindowsFirewallRule>> windows_firewall_rules(const machine::Machine& machine);

/// A network profile in which the firewall is on and blocks what goes out unless a rule allows it.
struct BlockingProfile {
    std::string place;  ///< registry key
    bool is_policy = false;
};
std::vector<BlockingProfile> profiles_that_block_outbound(const machine::Machine& machine);

}  // namespace remediations
