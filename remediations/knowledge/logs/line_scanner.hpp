#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "remediations/formats/pattern_automaton.hpp"
#include "remediations/knowledge/logs/line_prefix.hpp"
#include "remediations/knowledge/logs/log_line.hpp"

namespace remediations {

/// A line in which at least one pattern was found, or one behind it that the consumer asked for. Its views hold during
/// the call only.
struct ScannedLine {
    std::uint64_t number = 0;  ///< from 1
    /// Without its end. Of a line longer than LineScanner::longest_line, a piece with the patterns in it.
    std::string_view raw;
    LogLineParts parts;     ///< with the time of a line above where this one has none
    bool has_time = false;  ///< of its own: it begins a record, and does not go on with one above
    struct Found {
        std::uint32_t pattern = 0;  ///< index into the automaton's patterns
        std::size_t end = 0;        ///< offset in `raw` behind its first occurrence
    };
    std::span<const Found> found;  ///< each pattern once, in the order in which they end

    /// The line, of a long one the part with the pattern, which is `length` bytes long. Its text is not printable()
    /// yet: that takes longer than finding it, and most lines are not the last one found.
    LogLine to_log_line(const machine::Path& file, const Found& pattern, std::size_t length) const;
};

/// Cuts a log that arrives in pieces of any size into lines and finds patterns in them, in constant memory:
/// a line that does not end is taken in pieces, and a pattern across two of them is still found.
class LineScanner {
public:
    /// Bytes that are kept of a line whose end has not come yet.
    static constexpr std::size_t longest_line = std::size_t{64} << 10;

    /// Returns whether it wants the next line too, whatever stands in it.
    using Consumer = std::function<bool(const ScannedLine&)>;

    /// `automaton` must outlive it; no pattern may contain a line feed.
    LineScanner(const PatternAutomaton& automaton, LogClock clock, Consumer consumer);

    void feed(std::string_view bytes);
    /// What came last is a line, even without a line feed.
    void finish();

    std::uint64_t lines() const { return line_number_; }

    /// Of the last line that has a time.
    std::optional<std::chrono::system_clock::time_point> newest_time() const { return time_above_; }

private:
    void scan_to(std::size_t end);
    void drop(std::size_t length);
    /// Makes line_number_ and counted_ those of the line in which the byte before `end` stands.
    void count_lines(std::size_t end);
    void report(std::size_t line_end);
    /// Makes time_above_ that of the last line with a time before `end`.
    void find_time_before(std::size_t end);

    const PatternAutomaton& automaton_;
    LogClock clock_;
    Consumer consumer_;

    std::string buffer_;       // an unfinished line, then what was fed
    std::size_t scanned_ = 0;  // how much of buffer_ has been through the automaton
    std::size_t counted_ = 0;  // where the line with line_number_ begins, or what is kept of it
    std::uint64_t line_number_ = 1;
    bool follow_ = false;            // the line at counted_ is wanted, whatever stands in it
    bool inside_line_ = false;       // buffer_ begins within a line whose front was dropped
    std::size_t time_known_to_ = 0;  // time_above_ is that of the last timed line before here
    std::optional<std::chrono::system_clock::time_point> time_above_;
    bool zone_known_above_ = false;
    PatternAutomaton::State state_ = PatternAutomaton::start;

    std::vector<PatternAutomaton::Hit> hits_;
    std::vector<ScannedLine::Found> found_;
    std::vector<std::uint64_t> last_line_of_;  // by pattern: the line it was last reported for
};

}  // namespace remediations
