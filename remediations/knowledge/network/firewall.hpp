#pragma once

#include <string>
#include <vector>

#include "remediations/changes/firewall_rule.hpp"
#include "remediations/knowledge/network/packet_filter.hpp"

namespace remediations {

/// One of the kernel's packet filters, as its own tool shows it.
struct FirewallView {
    FirewallRule::Tool tool = FirewallRule::Tool::iptables;
    std::string program;  ///< the program that changes it: /usr/sbin/iptables, /usr/sbin/nft
    FilterChains chains;  ///< as the `connection` of look_at_firewall() meets them
};

/// A part of a packet filter that stops a connection.
struct FirewallBlock {
    FirewallRule::Tool tool = FirewallRule::Tool::iptables;
    std::string program;
    FilterBlock block;

    /// Returns "iptables filter OUTPUT", "nft inet filter output".
    std::string where() const;
    /// Returns true for the rule with which the guest agent keeps other users from the wire server. It lets root
    /// through, unless the agent's other rules are missing.
    bool is_of_guest_agent() const;
};

/// Reads how the kernel's packet filters treat `connection`: nftables by "nft -j list ruleset", iptables by
/// iptables-save (legacy rules too, if there are any). The result is empty where there is no tool and no sign of a
/// packet filter. Rules that no installed tool can show are an error.
machine::Result<std::vector<FirewallView>> look_at_firewall(const machine::Machine& machine,
                                                            const OutgoingConnection& connection);

/// Returns what stops the connection, over all packet filters; what stops it for certain comes first.
std::vector<FirewallBlock> blocks_in(const std::vector<FirewallView>& views);

/// Returns the rules that would let the connection through: one that accepts it, for every chain that stops it.
std::vector<FirewallRule> rules_that_let_through(std::vector<FirewallView> views, const std::string& address,
                                                 std::uint16_t port);

/// Returns the rule's text as the tool lists it. Asks nft for it; where that fails, returns what is known.
std::string rule_text(const machine::Machine& machine, const FirewallBlock& block);

}  // namespace remediations
