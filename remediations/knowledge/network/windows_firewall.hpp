#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "remediations/machine/machine.hpp"

namespace remediations {

/// A rule of Windows Defender Firewall in the registry: "v2.31|Action=Block|Active=TRUE|Dir=Out|...|".
struct WindowsFirewallRule {
    std::string key;   ///< the registry key
    std::string id;    ///< the name of its value
    std::string text;  ///< the text of its value
    std::string name;  ///< the name that the user sees; "@file,-number" where it is localized
    bool is_policy = false;
    bool blocks = false;
    bool is_active = true;
    bool is_outbound = false;
    std::vector<std::pair<std::string, std::string>> fields;  ///< all fields, in order

    /// Returns the values of a field, which may occur several times.
    std::vector<std::string_view> values(std::string_view field) const;
};

/// ErrorKind::invalid for a text that is not a rule.
machine::Result<WindowsFirewallRule> parse_windows_firewall_rule(std::string_view text);

enum class FirewallMatch { no, maybe, yes };

/// Returns yes if the rule matches what the guest agent sends as SYSTEM: TCP over IPv4 from any local port to `address`
/// and `port`. Returns maybe where a condition depends on something that is not looked at: the network profile, an
/// interface, a user.
FirewallMatch matches_agent_traffic(const WindowsFirewallRule& rule, std::string_view address, std::uint16_t port);

/// Returns the local rules and those of group policy, in the order of the registry. Leaves out texts that are not
/// rules.
machine::Result<std::vector<WindowsFirewallRule>> windows_firewall_rules(const machine::Machine& machine);

/// A network profile in which the firewall is on and blocks outgoing connections unless a rule allows them.
struct BlockingProfile {
    std::string place;  ///< registry key
    bool is_policy = false;
};
std::vector<BlockingProfile> profiles_that_block_outbound(const machine::Machine& machine);

}  // namespace remediations
