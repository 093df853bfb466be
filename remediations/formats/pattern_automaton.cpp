#include "remediations/formats/pattern_automaton.hpp"

#include <algorithm>

namespace remediations {
namespace {

constexpr std::uint32_t none = ~std::uint32_t{0};

struct Node {
    std::vector<std::uint32_t> next;      // by byte class
    std::vector<std::uint32_t> patterns;  // that end here
    std::uint32_t fallback = 0;           // the node of the longest proper suffix
};

}  // namespace

PatternAutomaton::PatternAutomaton(std::span<const std::string> patterns) : pattern_count_(patterns.size()) {
    // Class 0 is every byte that no pattern contains. All 256 bytes in use would be one class too many.
    std::array<bool, 256> used{};
    for (const auto& pattern : patterns) {
        for (const char byte : pattern) {
            used[static_cast<std::uint8_t>(byte)] = true;
        }
    }
    const bool all_used = std::ranges::all_of(used, [](bool in_use) { return in_use; });
    row_length_ = all_used ? 0 : 1;
    for (std::size_t byte = 0; byte < used.size(); ++byte) {
        class_of_[byte] = used[byte] ? static_cast<std::uint8_t>(row_length_++) : std::uint8_t{0};
    }

    std::vector<Node> nodes(1);
    nodes[0].next.assign(row_length_, none);
    for (std::uint32_t index = 0; index < patterns.size(); ++index) {
        if (patterns[index].empty()) {
            continue;
        }
        longest_pattern_ = std::max(longest_pattern_, patterns[index].size());
        std::uint32_t node = 0;
        for (const char byte : patterns[index]) {
            const auto byte_class = class_of_[static_cast<std::uint8_t>(byte)];
            if (nodes[node].next[byte_class] == none) {
                nodes[node].next[byte_class] = static_cast<std::uint32_t>(nodes.size());
                nodes.emplace_back().next.assign(row_length_, none);
            }
            node = nodes[node].next[byte_class];
        }
        nodes[node].patterns.push_back(index);
    }

    // Breadth first: a node's fallback is shorter, hence complete before it is copied from.
    std::vector<std::uint32_t> order{0};
    for (std::size_t i = 0; i < order.size(); ++i) {
        const std::uint32_t parent = order[i];
        for (std::uint32_t byte_class = 0; byte_class < row_length_; ++byte_class) {
            const std::uint32_t behind = parent == 0 ? 0 : nodes[nodes[parent].fallback].next[byte_class];
            auto& child = nodes[parent].next[byte_class];
            if (child == none) {
                child = behind;
                continue;
            }
            auto& node = nodes[child];
            node.fallback = behind;
            const auto& shorter = nodes[behind].patterns;
            node.patterns.insert(node.patterns.end(), shorter.begin(), shorter.end());
            order.push_back(child);
        }
    }

    std::stable_partition(order.begin(), order.end(), [&](std::uint32_t node) { return nodes[node].patterns.empty(); });
    std::vector<State> state_of(nodes.size());
    for (std::size_t i = 0; i < order.size(); ++i) {
        state_of[order[i]] = static_cast<State>(i) * row_length_;
    }
    next_.reserve(nodes.size() * row_length_);
    first_accepting_ = static_cast<State>(nodes.size()) * row_length_;
    for (const auto node : order) {
        if (!nodes[node].patterns.empty()) {
            first_accepting_ = std::min(first_accepting_, state_of[node]);
            offsets_.push_back(static_cast<std::uint32_t>(patterns_.size()));
            patterns_.insert(patterns_.end(), nodes[node].patterns.begin(), nodes[node].patterns.end());
        }
        for (const auto next : nodes[node].next) {
            next_.push_back(state_of[next]);
        }
    }
    offsets_.push_back(static_cast<std::uint32_t>(patterns_.size()));
}

PatternAutomaton::State PatternAutomaton::scan(State state, std::string_view text, std::vector<Hit>& hits) const {
    const State* const next = next_.data();
    const std::uint8_t* const class_of = class_of_.data();
    const State accepting = first_accepting_;
    for (std::size_t i = 0; i < text.size(); ++i) {
        state = next[state + class_of[static_cast<std::uint8_t>(text[i])]];
        if (state >= accepting) [[unlikely]] {
            hits.push_back({i + 1, state});
        }
    }
    return state;
}

std::span<const std::uint32_t> PatternAutomaton::patterns_of(State state) const {
    if (state < first_accepting_) {
        return {};
    }
    const std::size_t index = (state - first_accepting_) / row_length_;
    return std::span(patterns_).subspan(offsets_[index], offsets_[index + 1] - offsets_[index]);
}

}  // namespace remediations
