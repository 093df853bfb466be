#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace remediations {

/// Finds any number of fixed strings in one pass over a text (Aho and Corasick, 1975). It is a deterministic automaton;
/// its rows have a column for each class of bytes, not for each byte, so that they stay in the processor's cache.
class PatternAutomaton {
public:
    /// The state of the search between two pieces of a text. It begins as `start`.
    using State = std::uint32_t;
    static constexpr State start = 0;

    /// A place where one or more patterns end.
    struct Hit {
        std::size_t end = 0;  ///< offset after the pattern's last byte
        State state = start;  ///< patterns_of() returns the patterns
    };

    /// Compares bytes as they are. An empty pattern is never found; equal patterns are all found.
    explicit PatternAutomaton(std::span<const std::string> patterns);

    /// Appends the hits in `text` to `hits` and returns the state after `text`.
    State scan(State state, std::string_view text, std::vector<Hit>& hits) const;

    /// Returns indices into the constructor's patterns.
    std::span<const std::uint32_t> patterns_of(State state) const;

    std::size_t pattern_count() const { return pattern_count_; }
    std::size_t longest_pattern() const { return longest_pattern_; }

private:
    std::array<std::uint8_t, 256> class_of_{};
    /// next_[state + class]. A state is the offset of its row. The states in which a pattern ends come last.
    std::vector<State> next_;
    State first_accepting_ = 0;
    std::uint32_t row_length_ = 1;
    /// For the i-th accepting state: its patterns are patterns_[offsets_[i]] up to patterns_[offsets_[i + 1]].
    std::vector<std::uint32_t> offsets_;
    std::vector<std::uint32_t> patterns_;
    std::size_t pattern_count_ = 0;
    std::size_t longest_pattern_ = 0;
};

}  // namespace remediations
