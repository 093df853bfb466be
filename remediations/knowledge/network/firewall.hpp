#pragma once

#include <string>
#include <vector>

#include "remediations/changes/firewall_rule.hpp"
#include "remediations/knowledge/network/packet_filter.hpp"

namespace remediations {

/// One of the kernel's packet filters as its own tool shows it.
struct FirewallView {
    FirewallRule::Tool tool = FirewallRule::Tool::iptables;
    std::string program;  ///< that changes it: /usr/sbin/iptables, /usr/sbin/nft
    FilterChains chains;  ///< as `connection` of look_at_firewall meets them
};

/// Something in a packet filter that stops a connection.
struct FirewallBlock {
    FirewallRule::Tool tool = FirewallRule::Tool::iptables;
    std::string program;
    FilterBlock block;

    /// "iptables filter OUTPUT", "nft inet filter output"
    std::string where() const;
    /// The rule by which the guest agent keeps others from the wire server. It lets root through,
    /// unless the agent's other rules are missing.
    bool is_of_guest_agent() const;
};

/// What the packet filters of the kernel do to `connection`: nftables by "nft -j list ruleset",
/// iptables by iptables-save (legacy rules too, where there are any). No tool and no sign of a
/// packet filter is an empty result; rules that no tool here can show are an error.
machine::Result<std::vector<FirewallView>> look_at_firewall(const machine::Machine& machine,
                                                            const OutgoingConnection& connection);

/// What stops the connection, over all packet filters: what does so for certain first.
std::vector<FirewallBlock> blocks_in(const std::vector<FirewallView>& views);

/// The rules that would let the connection through: one that accepts it in every chain that stops it.
std::vector<FirewallRule> rules_that_let_through(std::vector<FirewallView> views, const std::string& address,
                                                 std::uint16_t port);

/// The rule's text as the tool lists it; of nftables it is asked for. What is known where that fails.
std::string rule_text(const machine::Machine& machine, const FirewallBlock& block);

}  // namespace remediations
