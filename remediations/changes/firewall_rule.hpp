#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "remediations/changes/slot.hpp"

namespace remediations {

/// A rule of ours that comes first in a chain of the Linux firewall and accepts root's TCP
/// connections to one address and port. Root's alone, because the guest agent keeps other users
/// from the wire server. It is known by its comment; no other rule is ever touched. It lasts until
/// the firewall is loaded anew.
struct FirewallRule {
    enum class Tool { iptables, nft };

    Tool tool = Tool::iptables;
    std::string program;  ///< absolute path of iptables or nft
    std::string family;   ///< nft: "ip" or "inet"; empty for iptables
    std::string table;    ///< "filter"
    std::string chain;    ///< "OUTPUT", or any other that outgoing packets go through
    std::string address;  ///< IPv4
    std::uint16_t port = 0;

    friend bool operator==(const FirewallRule&, const FirewallRule&) = default;
};

/// Holds "present" or "absent". A chain that does not exist has no rule.
std::unique_ptr<Slot> firewall_rule_slot(FirewallRule rule);

/// The rule of a slot's identity; ErrorKind::invalid names what is wrong.
machine::Result<FirewallRule> firewall_rule_from(const boost::json::object& identity);

}  // namespace remediations
