#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "remediations/changes/slot.hpp"

namespace remediations {

/// A rule of this program that stands first in a chain of the Linux firewall. It accepts TCP connections of root to one
/// address and port. Only root's, because the guest agent keeps other users away from the wire server. The rule is
/// recognized by its comment; no other rule is ever touched. It lasts until the firewall is loaded again.
struct FirewallRule {
    enum class Tool { iptables, nft };

    Tool tool = Tool::iptables;
    std::string program;  ///< absolute path of iptables or nft
    std::string family;   ///< nft: "ip" or "inet"; empty for iptables
    std::string table;    ///< "filter"
    std::string chain;    ///< "OUTPUT", or another chain that outgoing packets pass
    std::string address;  ///< IPv4
    std::uint16_t port = 0;

    friend bool operator==(const FirewallRule&, const FirewallRule&) = default;
};

/// Returns a slot that holds "present" or "absent". A chain that does not exist holds no rule.
std::unique_ptr<Slot> firewall_rule_slot(FirewallRule rule);

/// Returns the rule from a slot's identity. ErrorKind::invalid names what is wrong.
machine::Result<FirewallRule> firewall_rule_from(const boost::json::object& identity);

}  // namespace remediations
