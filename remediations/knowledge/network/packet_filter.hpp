#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace remediations {

/// The first packet of a connection from this machine: TCP with SYN alone, of user and group 0.
struct OutgoingConnection {
    std::uint32_t destination = 0;  ///< IPv4, host byte order
    std::uint16_t port = 80;
    std::optional<std::uint32_t> source = {};  ///< IPv4; nullopt where it is not known
    std::string interface = {};                ///< it leaves through; empty where it is not known
};

/// Whether a condition is met. `maybe`: it is one that cannot be judged from outside, a rate or a set
/// for instance.
enum class Match { no, maybe, yes };

inline Match match_if(bool met) {
    return met ? Match::yes : Match::no;
}

/// Both conditions together, and the opposite of one.
Match both(Match left, Match right);
Match negated(Match match);

/// What a rule does with the packets it matches.
enum class FilterAction {
    proceed,   ///< nothing that decides: it counts, logs, marks
    accept,    ///< ends this chain's walk, not those of later ones
    drop,      ///< silently
    reject,    ///< with an answer
    redirect,  ///< to another address
    jump,      ///< to another chain, and back at its end
    go_to,     ///< to another chain, not back
    leave,     ///< the chain (RETURN)
};

struct FilterRule {
    Match match = Match::yes;  ///< for the connection in question
    FilterAction action = FilterAction::proceed;
    std::string target;  ///< of jump and go_to: the chain
    std::string text;    ///< as the tool shows it
};

struct FilterChain {
    std::string name;   ///< "security OUTPUT", "inet filter output"
    std::string table;  ///< "security", "inet filter"
    std::vector<FilterRule> rules;
    /// Only chains that are attached to the way of outgoing packets have one.
    std::optional<FilterAction> policy;
    int order = 0;  ///< of those: lower ones come first
};

/// Chains as one connection meets them, by name. Targets of jumps are names too.
using FilterChains = std::map<std::string, FilterChain>;

/// A rule, or a chain's policy, that stops the connection.
struct FilterBlock {
    std::string chain;       ///< where the rule stands
    std::string base_chain;  ///< from which the packet came there: a rule put first there decides before this one
    std::string table;
    std::string rule;  ///< its text, or "policy drop"
    FilterAction action = FilterAction::drop;
    /// False: one of its conditions, or of those on the way to it, may not be met, or a rule before it may accept.
    bool certain = true;
};

/// What stops the connection on its way out: the first that certainly does, after those that may. Behind a rule of
/// the same base chain that may accept it, nothing stops it for certain.
/// Empty when nothing does. Each chain is walked once, however many ways lead into it, so circles end.
std::vector<FilterBlock> blocks_of(const FilterChains& chains);

/// Parses "168.63.129.16", "10.0.0.0/8", "10.0.0.0/255.0.0.0"; nullopt for anything else.
struct Ipv4Network {
    std::uint32_t address = 0;
    std::uint32_t mask = 0xffffffff;

    bool contains(std::uint32_t other) const { return (other & mask) == (address & mask); }
};
std::optional<Ipv4Network> parse_ipv4_network(std::string_view text);

}  // namespace remediations
