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

/// A line that contains a pattern, or a following line that the consumer asked for. Its views are valid during the call
/// only.
struct ScannedLine {
    std::uint64_t number = 0;  ///< from 1
    /// The line without its end. Of a line longer than LineScanner::longest_line, a piece that contains the patterns.
    std::string_view raw;
    LogLineParts parts;     ///< where the line has no time, the time of a line before it
    bool has_time = false;  ///< the line has a time of its own: it begins a record and does not continue one
    struct Found {
        std::uint32_t pattern = 0;  ///< index into the automaton's patterns
        std::size_t end = 0;        ///< offset in `raw` after its first occurrence
    };
    std::span<const Found> found;  ///< each pattern once, in the order of their ends

    /// Returns the line; of a long line, the part with the pattern, which is `length` bytes long. Its text is not yet
    /// printable(): that takes longer than the search, and most lines are not the last match.
    LogLine to_log_line(const machine::Path& file, const Found& pattern, std::size_t length) const;
};

/// Splits a log that arrives in pieces of any size into lines and finds patterns in them, in constant memory. A line
/// without an end is handled in pieces; a pattern across two pieces is still found.
class LineScanner {
public:
    /// The most bytes of an unfinished line that are kept.
    static constexpr std::size_t longest_line = std::size_t{64} << 10;

    /// Gets a line. Returns true if it wants the next line too, with or without a pattern.
    using Consumer = std::function<bool(const ScannedLine&)>;

    /// `automaton` must outlive this object. No pattern may contain a line feed.
    LineScanner(const PatternAutomaton& automaton, LogClock clock, Consumer consumer);

    void feed(std::string_view bytes);
    /// Ends the input: the remaining bytes are a line, even without a line feed.
    void finish();

    std::uint64_t lines() const { return line_number_; }

    /// Returns the time of the last line that has one.
    std::optional<std::chrono::system_clock::time_point> newest_time() const { return time_above_; }

private:
    void scan_to(std::size_t end);
    void drop(std::size_t length);
    /// Sets line_number_ and counted_ to the line that contains the byte before `end`.
    void count_lines(std::size_t end);
    void report(std::size_t line_end);
    /// Sets time_above_ to the time of the last line with a time before `end`.
    void find_time_before(std::size_t end);

    const PatternAutomaton& automaton_;
    LogClock clock_;
    Consumer consumer_;

    std::string buffer_;       // an unfinished line, then what was fed
    std::size_t scanned_ = 0;  // how much of buffer_ has been through the automaton
    std::size_t counted_ = 0;  // where the line with line_number_ begins, or what is kept of it
    std::uint64_t line_number_ = 1;
    bool follow_ = false;            // the line at counted_ is wanted, with or without a pattern
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
