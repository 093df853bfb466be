#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace remediations {

/// The first packet of a connection from this machine: TCP, only SYN set, of user and group 0.
struct OutgoingConnection {
    std::uint32_t destination = 0;  ///< IPv4, host byte order
    std::uint16_t port = 80;
    std::optional<std::uint32_t> source = {};  ///< IPv4; nullopt where it is not known
    std::string interface = {};                ///< the interface that it leaves through; empty where it is not known
};

/// The result of a condition. `maybe`: it cannot be judged from outside, for example a rate or a set.
enum class Match { no, maybe, yes };

inline Match match_if(bool met) {
    return met ? Match::yes : Match::no;
}

/// These return both conditions combined, and the opposite of one.
Match both(Match left, Match right);
Match negated(Match match);

/// The action of a rule on the packets that it matches.
enum class FilterAction {
    proceed,   ///< decides nothing: it counts, logs or marks
    accept,    ///< ends this chain, but not later ones
    drop,      ///< without an answer
    reject,    ///< with an answer
    redirect,  ///< to another address
    jump,      ///< to another chain; returns at its end
    go_to,     ///< to another chain; does not return
    leave,     ///< leaves the chain (RETURN)
};

struct FilterRule {
    Match match = Match::yes;  ///< the result for the connection in question
    FilterAction action = FilterAction::proceed;
    std::string target;  ///< the chain of jump and go_to
    std::string text;    ///< as the tool shows it
};

struct FilterChain {
    std::string name;   ///< "security OUTPUT", "inet filter output"
    std::string table;  ///< "security", "inet filter"
    std::vector<FilterRule> rules;
    /// Set only for base chains: those that outgoing packets pass by themselves.
    std::optional<FilterAction> policy;
    int order = 0;  ///< of base chains: lower ones come first
};

/// The chains that one connection meets, by name. Targets of jumps are names too.
using FilterChains = std::map<std::string, FilterChain>;

/// A rule, or a chain's policy, that stops the connection.
struct FilterBlock {
    std::string chain;       ///< the chain that holds the rule
    std::string base_chain;  ///< the base chain that leads to it: a rule put first there decides before this one
    std::string table;
    std::string rule;  ///< its text, or "policy drop"
    FilterAction action = FilterAction::drop;
    /// False if a condition of the rule, or of a rule on the way to it, may not be met, or if a rule before it may
    /// accept.
    bool certain = true;
};

/// Returns what stops the connection on its way out: those that may stop it, then the first one that stops it for
/// certain. After a rule of the same base chain that may accept the connection, nothing is certain. Empty where nothing
/// stops it. Each chain is walked once, however many paths lead to it, so cycles end.
std::vector<FilterBlock> blocks_of(const FilterChains& chains);

/// Parses "168.63.129.16", "10.0.0.0/8", "10.0.0.0/255.0.0.0"; nullopt for anything else.
struct Ipv4Network {
    std::uint32_t address = 0;
    std::uint32_t mask = 0xffffffff;

    bool contains(std::uint32_t other) const { return (other & mask) == (address & mask); }
};
std::optional<Ipv4Network> parse_ipv4_network(std::string_view text);

}  // namespace remediations
