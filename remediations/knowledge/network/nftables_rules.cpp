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

/// What a field of the packet holds; nothing where it is not known.
struct Field {
    std::optional<std::uint32_t> address = std::nullopt;
    std::optional<std::int64_t> number = std::nullopt;
    std::vector<std::string> names = {};  ///< any of them is the value
    /// Of a header that the packet does not have: no condition on it is met, whatever it says.
    bool absent = false;

    bool known() const { return address || number || !names.empty(); }
};

class RulesetReader {
public:
    explicit RulesetReader(const OutgoingConnection& connection) : connection_(connection) {}

    FilterChains read(const json::array& entries) {
        for (const auto& entry : entries) {
            if (const auto* set = member(entry, "set")) sets_[name_of(*set, "name")] = member(*set, "elem");
        }
        for (const auto& entry : entries) {
            if (const auto* chain = member(entry, "chain")) add_chain(*chain);
        }
        for (const auto& entry : entries) {
            if (const auto* rule = member(entry, "rule")) add_rule(*rule);
        }
        return std::move(chains_);
    }

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

    /// Whether what stands after it is looked at.
    bool add_statement(const json::value& statement, Match& match, std::vector<FilterRule>& rules) {
        if (const auto* object = statement.if_object(); object && object->contains("queue")) {
            // A program decides; without one the kernel drops.
            rules.push_back({both(match, Match::maybe), FilterAction::drop, {}, rule_text_});
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

    /// Statements that end the rule for some packets: rates, quotas, and what only iptables understands.
    static bool may_not_be_met(const json::value& statement) {
        const auto* object = statement.if_object();
        if (!object) return true;
        return std::ranges::any_of(std::initializer_list<const char*>{"limit", "quota", "ct count", "xt", "last"},
                                   [&](const char* name) { return object->contains(name); });
    }

    void add_verdict_map(const json::value& map, Match match, std::vector<FilterRule>& rules) {
        const auto* key = member(map, "key");
        const auto* data = member(map, "data");
        const auto* entries = data ? elements_of(*data) : nullptr;
        if (!key || !entries) return;
        for (const auto& entry : *entries) {
            const auto* pair = entry.if_array();
            if (!pair || pair->size() != 2) continue;
            const auto action = verdict_in((*pair)[1]);
            if (!action) continue;
            const auto hit = both(match, compare(field(*key), (*pair)[0], "=="));
            if (hit != Match::no) rules.push_back({hit, action->first, action->second, rule_text_});
        }
    }

    /// {"set": [...]}, an array, or "@name".
    const json::array* elements_of(const json::value& value) const {
        if (const auto* array = value.if_array()) return array;
        if (const auto* set = member(value, "set")) return elements_of(*set);
        if (!value.is_string() || !value.get_string().starts_with('@')) return nullptr;
        const auto named = sets_.find(table_ + " " + std::string(value.get_string().subview(1)));
        return named == sets_.end() || !named->second ? nullptr : named->second->if_array();
    }

    Match judge(const json::value& condition) const {
        const auto* left = member(condition, "left");
        const auto* right = member(condition, "right");
        if (!left || !right) return Match::maybe;
        return compare(field(*left), *right, text(condition, "op"));
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

    /// "tcp flags & (fin | syn | rst | ack)": of our packet, syn remains where the mask has it.
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
    std::map<std::string, const json::value*> sets_;
    std::string table_;      ///< of the rule being read
    std::string rule_text_;  ///< of the rule being read
};

}  // namespace

machine::Result<FilterChains> parse_nftables_ruleset(const std::string& document,
                                                     const OutgoingConnection& connection) {
    boost::system::error_code error;
    const auto parsed = json::parse(document, error);
    const auto* entries = error ? nullptr : member(parsed, "nftables");
    if (!entries || !entries->is_array()) {
        return machine::Error{machine::ErrorKind::invalid,
                              fmt::format("nft -j list ruleset: an object with the array 'nftables' was expected{}",
                                          error ? ": " + error.message() : std::string()),
                              0};
    }
    return RulesetReader(connection).read(entries->get_array());
}

}  // namespace remediations
