#include "remediations/knowledge/network/packet_filter.hpp"
#include "remediations/machine/ipv4.hpp"

#include <algorithm>
#include <charconv>
#include <set>

namespace remediations {

namespace {

constexpr int deepest_jump = 16;  // the kernel's own limit
constexpr std::size_t most_blocks = 20;

class Walk {
public:
    explicit Walk(const FilterChains& chains) : chains_(chains) {}

    /// Walks one base chain. Returns true if it stops the connection for certain.
    bool through_base_chain(const FilterChain& chain) {
        base_chain_ = chain.name;
        walked_.clear();
        may_be_through_ = false;
        const auto end = through(chain, true, 0);
        if (end == End::stopped) return true;
        if (end == End::accepted || !stops(*chain.policy)) return false;
        const bool is_certain = !may_be_through_;
        add({chain.name, base_chain_, chain.table, "policy drop", *chain.policy, is_certain});
        return is_certain;
    }

    std::vector<FilterBlock> blocks;

private:
    enum class End { reached, accepted, stopped };

    static bool stops(FilterAction action) {
        return action == FilterAction::drop || action == FilterAction::reject || action == FilterAction::redirect;
    }

    void add(FilterBlock block) {
        if (blocks.size() < most_blocks || block.certain) blocks.push_back(std::move(block));
    }

    End through(const FilterChain& chain, bool certain, int depth) {
        if (depth > deepest_jump) return End::reached;
        // The way through a chain is the same each time; ways between chains can be more than anyone could walk.
        if (!walked_.emplace(&chain, certain).second) return End::reached;
        bool may_have_left = false;  // this chain, for the one that led here
        for (const auto& rule : chain.rules) {
            if (rule.match == Match::no) continue;
            // Behind a rule that may have let it through, nothing is certain any more.
            const bool gets_here = certain && !may_be_through_ && !may_have_left;
            const bool is_certain = gets_here && rule.match == Match::yes;
            if (stops(rule.action)) {
                add({chain.name, base_chain_, chain.table, rule.text, rule.action, is_certain});
                // A rule that only may have stopped it does not end the walk.
                if (is_certain) return End::stopped;
            } else if (rule.action == FilterAction::accept) {
                if (is_certain) return End::accepted;
                may_be_through_ = true;
            } else if (rule.action == FilterAction::leave) {
                if (is_certain) return End::reached;
                may_have_left = true;
            } else if (rule.action == FilterAction::jump || rule.action == FilterAction::go_to) {
                const auto target = chains_.find(rule.target);
                const auto end =
                    target == chains_.end() ? End::reached : through(target->second, is_certain, depth + 1);
                if (end != End::reached) return end;
                if (rule.action == FilterAction::go_to && is_certain) return End::reached;
                may_have_left = may_have_left || rule.action == FilterAction::go_to;
            }
        }
        return End::reached;
    }

    const FilterChains& chains_;
    std::string base_chain_;
    bool may_be_through_ = false;                           // accepted in this base chain by a rule that may match
    std::set<std::pair<const FilterChain*, bool>> walked_;  // and whether the connection certainly got there
};

}  // namespace

Match both(Match left, Match right) {
    return std::min(left, right);
}

Match negated(Match match) {
    return match == Match::yes ? Match::no : match == Match::no ? Match::yes : Match::maybe;
}

std::vector<FilterBlock> blocks_of(const FilterChains& chains) {
    std::vector<const FilterChain*> base;
    for (const auto& [name, chain] : chains) {
        if (chain.policy) base.push_back(&chain);
    }
    std::ranges::stable_sort(base, {}, &FilterChain::order);
    Walk walk(chains);
    for (const auto* chain : base) {
        if (walk.through_base_chain(*chain)) break;
    }
    return walk.blocks;
}

std::optional<Ipv4Network> parse_ipv4_network(std::string_view text) {
    const auto slash = text.find('/');
    const auto address = machine::parse_ipv4(text.substr(0, slash));
    if (!address) return std::nullopt;
    if (slash == std::string_view::npos) return Ipv4Network{*address};
    const auto mask = text.substr(slash + 1);
    if (const auto dotted = machine::parse_ipv4(mask)) return Ipv4Network{*address, *dotted};
    unsigned length = 0;
    const auto [end, error] = std::from_chars(mask.data(), mask.data() + mask.size(), length);
    if (error != std::errc() || end != mask.data() + mask.size() || length > 32) return std::nullopt;
    return Ipv4Network{*address, length == 0 ? 0 : 0xffffffffU << (32 - length)};
}

}  // namespace remediations
