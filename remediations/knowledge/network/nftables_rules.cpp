#include "remediations/knowledge/network/nftables_rules.hpp"
#include "remediations/machine/ipv4.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

namespace remediations {

namespace json = boost::json;

namespace {

const json::value* member(const json::value& parent, std::string_view name) {
    const auto* object = parent.if_object();
    return object ? object->if_contains(name) : nullptr;
}

std::string text(const json::value& parent, std::string_view name) {
    const auto* value = member(parent, name);
    return value && value->is_string() ? std::string(value->get_string()) : std::string();
}

std::optional<std::int64_t> integer(const json::value& value) {
    if (value.is_int64()) return value.get_int64();
    if (value.is_uint64()) return static_cast<std::int64_t>(value.get_uint64());
    return std::nullopt;
}

/// The content of a field of the packet; empty where it is not known.
struct Field {
    std::optional<std::uint32_t> address = std::nullopt;
    std::optional<std::int64_t> number = std::nullopt;
    std::vector<std::string> names = {};  ///< each of them is a name of the value
    /// True for a field of a header that the packet does not have: then no condition on it is met.
    bool absent = false;

    bool known() const { return address || number || !names.empty(); }
};

class RulesetReader {
public:
    explicit RulesetReader(const OutgoingConnection& connection) : connection_(connection) {}

    /// Adds a set or map. Add all of them before the first rule.
    void add_set(const json::value& set) {
        const auto* elements = member(set, "elem");
        sets_[name_of(set, "name")] = elements && elements->is_array() ? elements->get_array() : json::array();
    }

    void add_chain(const json::value& entry) {
        if (!has_our_family(entry)) return;
        auto& chain = chains_[name_of(entry, "name")];
        chain.name = name_of(entry, "name");
        chain.table = table_of(entry);
        const auto hook = text(entry, "hook");
        if (hook != "output" && hook != "postrouting") return;
        chain.policy = text(entry, "policy") == "drop" ? FilterAction::drop : FilterAction::accept;
        const auto* priority = member(entry, "prio");
        const auto number = priority ? integer(*priority).value_or(0) : 0;
        constexpr int after_every_priority = 1000000;
        chain.order = static_cast<int>(std::clamp<std::int64_t>(number, -10000, 10000)) +
                      (hook == "postrouting" ? after_every_priority : 0);
    }

    /// Adds a rule. Its chain must exist already.
    void add_rule(const json::value& entry) {
        if (!has_our_family(entry)) return;
        const auto chain = chains_.find(name_of(entry, "chain"));
        const auto* statements = member(entry, "expr");
        if (chain == chains_.end() || !statements || !statements->is_array()) return;
        const auto* handle = member(entry, "handle");
        rule_text_ = fmt::format("handle {}", handle ? integer(*handle).value_or(0) : 0);
        table_ = chain->second.table;
        auto match = Match::yes;
        for (const auto& statement : statements->get_array()) {
            // A verdict ends a rule, except in a map, which may hold none for this packet.
            if (!add_statement(statement, match, chain->second.rules)) break;
        }
    }

    FilterChains take() { return std::move(chains_); }

private:
    static std::string table_of(const json::value& entry) {
        return fmt::format("{} {}", text(entry, "family"), text(entry, "table"));
    }
    static std::string name_of(const json::value& entry, std::string_view member_name) {
        return fmt::format("{} {}", table_of(entry), text(entry, member_name));
    }
    static bool has_our_family(const json::value& entry) {
        const auto family = text(entry, "family");
        return family == "ip" || family == "inet";
    }

    /// Returns true if the statements after it must be looked at.
    bool add_statement(const json::value& statement, Match& match, std::vector<FilterRule>& rules) {
        if (const auto* object = statement.if_object(); object && object->contains("queue")) {
            // A program decides; without one the kernel drops.
            add_doubt(match, rules);
            return false;
        }
        if (const auto action = verdict_in(statement)) {
            rules.push_back({match, action->first, action->second, rule_text_});
            return false;
        }
        if (const auto* condition = member(statement, "match")) {
            match = both(match, judge(*condition));
        } else if (const auto* map = member(statement, "vmap")) {
            add_verdict_map(*map, match, rules);
        } else if (may_not_be_met(statement)) {
            match = both(match, Match::maybe);
        }
        return match != Match::no;
    }

    std::optional<std::pair<FilterAction, std::string>> verdict_in(const json::value& statement) const {
        const auto* object = statement.if_object();
        if (!object) return std::nullopt;
        constexpr std::pair<std::string_view, FilterAction> verdicts[] = {
            {"accept", FilterAction::accept},     {"drop", FilterAction::drop},        {"reject", FilterAction::reject},
            {"return", FilterAction::leave},      {"continue", FilterAction::proceed}, {"dnat", FilterAction::redirect},
            {"redirect", FilterAction::redirect}, {"tproxy", FilterAction::redirect}};
        for (const auto& [name, action] : verdicts) {
            if (object->contains(name)) return std::pair{action, std::string()};
        }
        for (const auto& [name, action] : {std::pair{"jump", FilterAction::jump}, {"goto", FilterAction::go_to}}) {
            if (const auto* jump = object->if_contains(name)) {
                return std::pair{action, table_ + " " + text(*jump, "target")};
            }
        }
        return std::nullopt;
    }

    /// Returns true for statements that end the rule for some packets: rates, quotas, and those that only iptables
    /// understands.
    static bool may_not_be_met(const json::value& statement) {
        const auto* object = statement.if_object();
        if (!object) return true;
        return std::ranges::any_of(std::initializer_list<const char*>{"limit", "quota", "ct count", "xt", "last"},
                                   [&](const char* name) { return object->contains(name); });
    }

    /// Adds two rules, because what cannot be judged may stop the packet or may let it through.
    void add_doubt(Match match, std::vector<FilterRule>& rules) const {
        for (const auto action : {FilterAction::drop, FilterAction::accept}) {
            rules.push_back({both(match, Match::maybe), action, {}, rule_text_});
        }
    }

    void add_verdict_map(const json::value& map, Match match, std::vector<FilterRule>& rules) {
        const auto* key = member(map, "key");
        const auto* data = member(map, "data");
        const auto* entries = data ? elements_of(*data) : nullptr;
        if (!key || !entries) return add_doubt(match, rules);
        for (const auto& entry : *entries) {
            const auto* pair = entry.if_array();
            const auto action = pair && pair->size() == 2 ? verdict_in((*pair)[1]) : std::nullopt;
            if (!action) {
                add_doubt(match, rules);
                continue;
            }
            const auto hit = both(match, matches(*key, (*pair)[0], "=="));
            if (hit != Match::no) rules.push_back({hit, action->first, action->second, rule_text_});
        }
    }

    /// Returns the elements of {"set": [...]}, an array, or "@name"; nullptr for an unknown set.
    const json::array* elements_of(const json::value& value) const {
        if (const auto* array = value.if_array()) return array;
        if (const auto* set = member(value, "set")) return elements_of(*set);
        if (!value.is_string() || !value.get_string().starts_with('@')) return nullptr;
        const auto named = sets_.find(table_ + " " + std::string(value.get_string().subview(1)));
        return named == sets_.end() ? nullptr : &named->second;
    }

    Match judge(const json::value& condition) const {
        const auto* left = member(condition, "left");
        const auto* right = member(condition, "right");
        if (!left || !right) return Match::maybe;
        return matches(*left, *right, text(condition, "op"));
    }

    Match matches(const json::value& left, const json::value& right, const std::string& comparison) const {
        const auto* fields = member(left, "concat");
        if (!fields) return compare(field(left), right, comparison);
        const bool is_negated = comparison == "!=";
        if (!fields->is_array() || !(is_negated || comparison == "==" || comparison == "in" || comparison.empty())) {
            return Match::maybe;
        }
        const auto met = matches_all(fields->get_array(), right);
        return is_negated ? negated(met) : met;
    }

    /// Compares concatenated fields ("ip daddr . tcp dport") with values of as many parts.
    Match matches_all(const json::array& fields, const json::value& right) const {
        if (const auto* elements = elements_of(right)) {
            auto any = Match::no;
            for (const auto& element : *elements) any = std::max(any, matches_all(fields, element));
            return any;
        }
        if (const auto* element = member(right, "elem")) {
            const auto* inner = member(*element, "val");
            return inner ? matches_all(fields, *inner) : Match::maybe;
        }
        const auto* parts = member(right, "concat");
        if (!parts || !parts->is_array() || parts->get_array().size() != fields.size()) return Match::maybe;
        auto all = Match::yes;
        for (std::size_t index = 0; index < fields.size(); ++index) {
            all = both(all, compare(field(fields[index]), parts->get_array()[index], "=="));
        }
        return all;
    }

    Field field(const json::value& left) const {
        if (const auto* payload = member(left, "payload")) {
            const auto protocol = text(*payload, "protocol");
            const auto name = text(*payload, "field");
            if (protocol == "ip" && name == "daddr") return {.address = connection_.destination};
            if (protocol == "ip" && name == "saddr") return {.address = connection_.source};
            if (protocol == "ip" && name == "protocol") return {.number = 6, .names = {"tcp"}};
            if ((protocol == "tcp" || protocol == "th") && name == "dport") return {.number = connection_.port};
            if (protocol == "tcp" && name == "flags") return {.names = {"syn"}};
            if (protocol == "udp" || protocol == "icmp" || protocol == "ip6" || protocol == "icmpv6") {
                return {.absent = true};
            }
            return {};
        }
        if (const auto* meta = member(left, "meta")) {
            const auto key = text(*meta, "key");
            if (key == "l4proto") return {.number = 6, .names = {"tcp"}};
            if (key == "protocol") return {.number = 0x0800, .names = {"ip"}};
            if (key == "nfproto") return {.number = 2, .names = {"ipv4"}};
            if (key == "skuid" || key == "skgid") return {.number = 0, .names = {"root"}};
            if (key == "oifname" && !connection_.interface.empty()) return {.names = {connection_.interface}};
            if (key == "oif" && !connection_.interface.empty()) return {.names = {connection_.interface}};
            return {};
        }
        if (const auto* masked = member(left, "&")) return masked_flags(*masked);
        if (const auto* tracked = member(left, "ct")) {
            if (text(*tracked, "key") == "state") return {.names = {"new"}};
        }
        return {};
    }

    /// Returns the value of "tcp flags & (fin | syn | rst | ack)" for our packet: SYN, if the mask contains it.
    Field masked_flags(const json::value& masked) const {
        const auto* sides = masked.if_array();
        if (!sides || sides->size() != 2 || field((*sides)[0]).names != std::vector<std::string>{"syn"}) return {};
        return is_in({.names = {"syn"}}, (*sides)[1]) == Match::yes ? Field{.names = {"syn"}} : Field{};
    }

    Match compare(const Field& value, const json::value& right, const std::string& comparison) const {
        if (value.absent) return Match::no;
        if (!value.known()) return Match::maybe;
        if (comparison == "!=") return negated(is_in(value, right));
        if (comparison == "==" || comparison == "in" || comparison.empty()) return is_in(value, right);
        const auto other = integer(right);
        if (!value.number || !other) return Match::maybe;
        if (comparison == "<") return match_if(*value.number < *other);
        if (comparison == ">") return match_if(*value.number > *other);
        if (comparison == "<=") return match_if(*value.number <= *other);
        if (comparison == ">=") return match_if(*value.number >= *other);
        return Match::maybe;
    }

    Match is_in(const Field& value, const json::value& right) const {
        if (const auto* elements = elements_of(right)) {
            auto any = Match::no;
            for (const auto& element : *elements) any = std::max(any, is_in(value, element));
            return any;
        }
        // With a timeout or a counter an element is {"elem": {"val": ...}}.
        if (const auto* element = member(right, "elem")) {
            const auto* inner = member(*element, "val");
            return inner ? is_in(value, *inner) : Match::maybe;
        }
        if (const auto* prefix = member(right, "prefix")) return in_prefix(value, *prefix);
        if (const auto* range = member(right, "range")) return in_range(value, *range);
        if (const auto other = integer(right)) {
            return value.number ? match_if(*value.number == *other) : Match::maybe;
        }
        return right.is_string() ? is_text(value, std::string(right.get_string())) : Match::maybe;
    }

    static Match is_text(const Field& value, const std::string& other) {
        if (other.starts_with('@')) return Match::maybe;  // a set whose content we do not have
        if (value.address) {
            const auto network = parse_ipv4_network(other);
            return network ? match_if(network->contains(*value.address)) : Match::maybe;
        }
        if (value.names.empty()) return Match::maybe;
        return match_if(std::ranges::any_of(value.names, [&](const auto& name) {
            return other.ends_with('*') ? name.starts_with(std::string_view(other).substr(0, other.size() - 1))
                                        : name == other;
        }));
    }

    static Match in_prefix(const Field& value, const json::value& prefix) {
        const auto* length = member(prefix, "len");
        const auto bits = length ? integer(*length) : std::nullopt;
        const auto network =
            bits ? parse_ipv4_network(fmt::format("{}/{}", text(prefix, "addr"), *bits)) : std::nullopt;
        return value.address && network ? match_if(network->contains(*value.address)) : Match::maybe;
    }

    static Match in_range(const Field& value, const json::value& range) {
        const auto* ends = range.if_array();
        if (!ends || ends->size() != 2) return Match::maybe;
        const auto &low = (*ends)[0], &high = (*ends)[1];
        if (value.address && low.is_string() && high.is_string()) {
            const auto first = machine::parse_ipv4(std::string_view(low.get_string()));
            const auto last = machine::parse_ipv4(std::string_view(high.get_string()));
            return first && last ? match_if(*first <= *value.address && *value.address <= *last) : Match::maybe;
        }
        const auto first = integer(low), last = integer(high);
        return value.number && first && last ? match_if(*first <= *value.number && *value.number <= *last)
                                             : Match::maybe;
    }

    const OutgoingConnection& connection_;
    FilterChains chains_;
    std::map<std::string, json::array> sets_;
    std::string table_;      ///< of the rule being read
    std::string rule_text_;  ///< of the rule being read
};

/// Reads the elements of the array "nftables" one by one, so that a ruleset of many megabytes is never held in memory
/// as parsed values. The rest of the document is checked while each element is parsed.
class Elements {
public:
    explicit Elements(std::string_view document) : document_(document) {}

    /// Finds the beginning of the array. Returns false where the document has another form.
    bool find() {
        constexpr std::string_view blanks = " \t\r\n";
        const auto skip = [&](std::string_view expected) {
            at_ = std::min(document_.find_first_not_of(blanks, at_), document_.size());
            const bool is_there = document_.substr(at_).starts_with(expected);
            at_ += is_there ? expected.size() : 0;
            return is_there;
        };
        return skip("{") && skip("\"nftables\"") && skip(":") && skip("[");
    }

    /// Returns the text of the next element; nullopt at the end, and where the text breaks off: see is_whole().
    std::optional<std::string_view> next() {
        at_ = std::min(document_.find_first_not_of(" \t\r\n,", at_), document_.size());
        if (at_ == document_.size()) return std::nullopt;
        if (document_[at_] == ']') {
            is_whole_ = true;
            return std::nullopt;
        }
        const auto begin = at_;
        std::size_t depth = 0;
        bool in_string = false;
        for (; at_ < document_.size(); ++at_) {
            const char c = document_[at_];
            if (in_string) {
                if (c == '\\') ++at_;
                in_string = c != '"';
            } else if (c == '"') {
                in_string = true;
            } else if (c == '{' || c == '[') {
                ++depth;
            } else if ((c == '}' || c == ']') && (depth == 0 || --depth == 0)) {
                return document_.substr(begin, ++at_ - begin);
            }
        }
        return std::nullopt;
    }

    bool is_whole() const { return is_whole_; }

private:
    std::string_view document_;
    std::size_t at_ = 0;
    bool is_whole_ = false;
};

/// Calls `read` with each element. Returns false where the document is incomplete.
template <class Read>
bool each_element(std::string_view document, Read read) {
    Elements elements(document);
    if (!elements.find()) return false;
    while (const auto text = elements.next()) {
        boost::system::error_code error;
        const auto value = json::parse(*text, error);
        if (error) return false;
        read(value);
    }
    return elements.is_whole();
}

}  // namespace

machine::Result<FilterChains> parse_nftables_ruleset(const std::string& document,
                                                     const OutgoingConnection& connection) {
    RulesetReader reader(connection);
    const auto add_what_rules_name = [&](const json::value& element) {
        if (const auto* set = member(element, "set")) reader.add_set(*set);
        if (const auto* map = member(element, "map")) reader.add_set(*map);
        if (const auto* chain = member(element, "chain")) reader.add_chain(*chain);
    };
    const auto add_rules = [&](const json::value& element) {
        if (const auto* rule = member(element, "rule")) reader.add_rule(*rule);
    };
    if (!each_element(document, add_what_rules_name) || !each_element(document, add_rules)) {
        return machine::Error::invalid("nft -j list ruleset: an object with the array 'nftables' was expected");
    }
    return reader.take();
}

}  // namespace remediations
