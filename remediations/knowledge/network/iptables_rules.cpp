#include "remediations/knowledge/network/iptables_rules.hpp"
#include "remediations/machine/ipv4.hpp"

#include <algorithm>
#include <array>
#include <boost/algorithm/string/classification.hpp>
#include <boost/algorithm/string/predicate.hpp>
#include <boost/algorithm/string/split.hpp>
#include <boost/algorithm/string/trim.hpp>
#include <charconv>

namespace remediations {

namespace {

/// The chains that an outgoing packet passes, in this order.
constexpr std::array<std::string_view, 6> way_out{"raw OUTPUT",    "mangle OUTPUT",   "nat OUTPUT",
                                                  "filter OUTPUT", "security OUTPUT", "mangle POSTROUTING"};

/// Returns words separated by blanks. A word in double quotes may contain blanks, and quotes after a backslash.
std::vector<std::string> words_of(std::string_view line) {
    std::vector<std::string> words;
    std::string word;
    bool in_word = false;
    bool in_quotes = false;
    for (std::size_t index = 0; index < line.size(); ++index) {
        const char character = line[index];
        if (in_quotes && character == '\\' && index + 1 < line.size()) {
            word += line[++index];
        } else if (character == '"') {
            in_quotes = !in_quotes;
            in_word = true;
        } else if (character == ' ' && !in_quotes) {
            if (in_word) words.push_back(std::move(word));
            word.clear();
            in_word = false;
        } else {
            word += character;
            in_word = true;
        }
    }
    if (in_word) words.push_back(std::move(word));
    return words;
}

Match in_network(const std::optional<std::uint32_t>& address, std::string_view text) {
    const auto network = parse_ipv4_network(text);
    return address && network ? match_if(network->contains(*address)) : Match::maybe;
}

std::vector<std::string> list_of(const std::string& text) {
    std::vector<std::string> items;
    boost::split(items, text, boost::is_any_of(","));
    return items;
}

std::optional<unsigned> number(std::string_view digits) {
    unsigned value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
    return value;
}

/// "80", "80:90", and open ranges. Maybe for a name, which /etc/services may define.
Match in_range(unsigned value, std::string_view text) {
    const auto separator = text.find_first_of(":-");
    if (separator == std::string_view::npos) {
        const auto only = number(text);
        return only ? match_if(*only == value) : Match::maybe;
    }
    const auto low = separator == 0 ? std::optional<unsigned>(0) : number(text.substr(0, separator));
    const auto high = separator + 1 == text.size() ? std::optional<unsigned>(~0U) : number(text.substr(separator + 1));
    return low && high ? match_if(*low <= value && value <= *high) : Match::maybe;
}

template <class Judge>
Match any_of(const std::string& text, Judge judge) {
    auto any = Match::no;
    for (const auto& item : list_of(text)) any = std::max(any, judge(item));
    return any;
}

/// "eth0", or "eth+" for all names that begin with eth.
Match is_interface(const std::string& interface, std::string_view pattern) {
    if (interface.empty()) return Match::maybe;
    if (pattern.ends_with('+')) return match_if(interface.starts_with(pattern.substr(0, pattern.size() - 1)));
    return match_if(interface == pattern);
}

/// Returns yes if, of the flags in `mask`, exactly those in `set` are on. Our packet has only SYN.
Match flags_are(const std::string& mask, const std::string& set) {
    if (mask == "NONE") return match_if(set == "NONE");
    const auto names = list_of(mask);
    const bool asks_for_syn =
        std::ranges::any_of(names, [](const auto& name) { return name == "SYN" || name == "ALL"; });
    return match_if(set == (asks_for_syn ? "SYN" : "NONE"));
}

FilterAction action_of(const std::string& target) {
    if (target == "ACCEPT") return FilterAction::accept;
    if (target == "DROP") return FilterAction::drop;
    if (target == "REJECT") return FilterAction::reject;
    if (target == "DNAT" || target == "REDIRECT" || target == "NETMAP") return FilterAction::redirect;
    if (target == "RETURN") return FilterAction::leave;
    return FilterAction::proceed;
}

class RuleReader {
public:
    RuleReader(const OutgoingConnection& connection, std::vector<std::string> words)
        : connection_(connection), words_(std::move(words)) {}

    /// Reads from the word after the chain's name up to the target. The options of the target do not matter.
    FilterRule read(const std::string& table) {
        FilterRule rule;
        for (next_ = 2; next_ < words_.size();) {
            const auto option = take();
            if (option == "-j" || option == "--jump") {
                jump(rule, table, FilterAction::jump);
                break;
            }
            if (option == "-g" || option == "--goto") {
                jump(rule, table, FilterAction::go_to);
                break;
            }
            const bool is_negated = option == "!";
            const auto condition = judge(is_negated ? take() : option);
            rule.match = both(rule.match, is_negated ? negated(condition) : condition);
        }
        return rule;
    }

    /// Returns true if a program decides about the packets that the rule matches.
    bool by_program() const { return by_program_; }

private:
    std::string take() { return next_ < words_.size() ? words_[next_++] : std::string(); }

    void jump(FilterRule& rule, const std::string& table, FilterAction to_chain) {
        const auto target = take();
        if (target == "NFQUEUE" || target == "QUEUE") {
            // A program decides: it may accept too, see `by_program`. Without one the kernel drops.
            rule.action = FilterAction::drop;
            rule.match = both(rule.match, Match::maybe);
            by_program_ = true;
            return;
        }
        rule.action = action_of(target);
        if (rule.action != FilterAction::proceed) return;
        // A user's chain, or a target that does not decide; chains that do not exist lead nowhere.
        rule.action = to_chain;
        rule.target = table + " " + target;
    }

    Match judge(const std::string& option) {
        if (option == "-m" || option == "--match") return is_judged(take()) ? Match::yes : Match::maybe;
        if (option == "-d" || option == "--destination") return in_network(connection_.destination, take());
        if (option == "-s" || option == "--source") return in_network(connection_.source, take());
        if (option == "-o" || option == "--out-interface") return is_interface(connection_.interface, take());
        if (option == "-p" || option == "--protocol") return is_tcp(take());
        if (option == "--dport" || option == "--destination-port") return in_range(connection_.port, take());
        if (option == "--dports" || option == "--destination-ports" || option == "--ports") {
            return any_of(take(), [&](const auto& range) { return in_range(connection_.port, range); });
        }
        if (option == "--uid-owner" || option == "--gid-owner") return is_root(take());
        if (option == "--ctstate" || option == "--state") {
            return any_of(take(), [](const auto& state) { return match_if(state == "NEW"); });
        }
        if (option == "--syn") return Match::yes;
        if (option == "--tcp-flags") {
            const auto mask = take();
            return flags_are(mask, take());
        }
        if (option == "--dst-range") return in_address_range(take());
        if (option == "--dst-type") {
            return any_of(take(), [](const auto& type) { return match_if(type == "UNICAST"); });
        }
        if (option == "--comment") {
            take();
            return Match::yes;
        }
        if (option == "-f" || option == "--fragment") return Match::no;
        skip_values();
        return Match::maybe;
    }

    /// Returns true for modules that do only what their options say. All these options are judged here, or give maybe.
    static bool is_judged(const std::string& module) {
        constexpr std::array<std::string_view, 12> modules{"tcp",   "udp",       "comment", "conntrack",
                                                           "state", "multiport", "owner",   "addrtype",
                                                           "set",   "iprange",   "mark",    "icmp"};
        return std::ranges::find(modules, module) != modules.end();
    }

    static Match is_tcp(const std::string& protocol) {
        if (boost::iequals(protocol, "all") || protocol == "0") return Match::yes;
        return match_if(boost::iequals(protocol, "tcp") || protocol == "6");
    }

    static Match is_root(const std::string& owner) { return owner == "root" ? Match::yes : in_range(0, owner); }

    Match in_address_range(const std::string& range) const {
        const auto dash = range.find('-');
        const auto low = machine::parse_ipv4(range.substr(0, dash));
        const auto high = dash == std::string::npos ? low : machine::parse_ipv4(range.substr(dash + 1));
        return low && high ? match_if(*low <= connection_.destination && connection_.destination <= *high)
                           : Match::maybe;
    }

    /// Skips the values of an unknown option: all words before the next option.
    void skip_values() {
        while (next_ < words_.size() && words_[next_] != "!" && !words_[next_].starts_with('-')) ++next_;
    }

    const OutgoingConnection& connection_;
    std::vector<std::string> words_;
    std::size_t next_ = 0;
    bool by_program_ = false;
};

FilterChain& chain_in(FilterChains& chains, const std::string& table, const std::string& name) {
    auto& chain = chains[table + " " + name];
    chain.name = table + " " + name;
    chain.table = table;
    return chain;
}

}  // namespace

FilterChains parse_iptables_save(std::string_view text, const OutgoingConnection& connection) {
    FilterChains chains;
    std::string table;
    while (!text.empty()) {
        const auto end = std::min(text.find('\n'), text.size());
        auto line = boost::algorithm::trim_copy(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
        // With counters a rule begins with "[packets:bytes]".
        if (line.starts_with('[')) {
            line = boost::algorithm::trim_copy(line.substr(std::min(line.find(']') + 1, line.size())));
        }
        if (line.starts_with('*')) {
            table = std::string(line.substr(1));
        } else if (line.starts_with(':')) {
            const auto words = words_of(line.substr(1));
            if (words.size() < 2) continue;
            auto& chain = chain_in(chains, table, words[0]);
            const auto* const stage = std::ranges::find(way_out, chain.name);
            if (stage == way_out.end()) continue;
            chain.order = static_cast<int>(stage - way_out.begin());
            chain.policy = action_of(words[1]);
        } else if (line.starts_with("-A ")) {
            auto words = words_of(line);
            if (words.size() < 2) continue;
            auto& chain = chain_in(chains, table, words[1]);
            RuleReader reader(connection, std::move(words));
            auto rule = reader.read(table);
            // Skips rules for other connections, which are the most of thousands.
            if (rule.match == Match::no) continue;
            rule.text = std::string(line);
            chain.rules.push_back(std::move(rule));
            if (!reader.by_program()) continue;
            auto accepted = chain.rules.back();
            accepted.action = FilterAction::accept;
            chain.rules.push_back(std::move(accepted));
        }
    }
    return chains;
}

}  // namespace remediations
