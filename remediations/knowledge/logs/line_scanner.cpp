#include "remediations/knowledge/logs/line_scanner.hpp"

#include <algorithm>
#include <cstring>

namespace remediations {
namespace {

/// The part of a long line that is kept after scanning, so that the next match has its context.
constexpr std::size_t context_length = 512;

/// Returns the offset of the next line feed from `from` on, or `end`.
std::size_t line_end_from(const std::string& text, std::size_t from, std::size_t end) {
    // memchr, because counting lines must not take as long as searching them.
    const void* const found = std::memchr(text.data() + from, '\n', end - from);
    return found ? static_cast<std::size_t>(static_cast<const char*>(found) - text.data()) : end;
}

std::string_view without_carriage_return(std::string_view line) {
    while (line.ends_with('\r')) {
        line.remove_suffix(1);
    }
    return line;
}

}  // namespace

LogLine ScannedLine::to_log_line(const machine::Path& file, const Found& pattern, std::size_t length) const {
    const auto text_begin = static_cast<std::size_t>(parts.text.data() - raw.data());
    const auto within_text = [&](std::size_t offset) { return offset - std::min(offset, text_begin); };
    return {file, number, parts.time,
            excerpt_around(parts.text, within_text(pattern.end - length), within_text(pattern.end))};
}

LineScanner::LineScanner(const PatternAutomaton& automaton, LogClock clock, Consumer consumer)
    : automaton_(automaton), clock_(clock), consumer_(std::move(consumer)), last_line_of_(automaton.pattern_count()) {}

void LineScanner::feed(std::string_view bytes) {
    buffer_.append(bytes);
    const auto last_feed = bytes.rfind('\n');
    const std::size_t complete =
        last_feed == std::string_view::npos ? 0 : buffer_.size() - bytes.size() + last_feed + 1;
    if (complete > 0) {
        scan_to(complete);
        drop(complete);
        inside_line_ = false;
    }
    if (buffer_.size() > longest_line) {
        scan_to(buffer_.size());
        drop(buffer_.size() - std::max(context_length, automaton_.longest_pattern()));
        inside_line_ = true;
    }
}

void LineScanner::finish() {
    scan_to(buffer_.size());
    drop(buffer_.size());
}

void LineScanner::drop(std::size_t length) {
    buffer_.erase(0, length);
    scanned_ -= length;
    counted_ = counted_ > length ? counted_ - length : 0;
    time_known_to_ = time_known_to_ > length ? time_known_to_ - length : 0;
}

void LineScanner::scan_to(std::size_t end) {
    hits_.clear();
    state_ = automaton_.scan(state_, std::string_view(buffer_).substr(scanned_, end - scanned_), hits_);
    for (auto hit = hits_.cbegin(); follow_ ? counted_ < end : hit != hits_.cend();) {
        std::size_t within = counted_;
        if (!follow_) {
            within = scanned_ + hit->end - 1;
            count_lines(within);
        }
        const std::size_t line_end = line_end_from(buffer_, within, end);
        found_.clear();
        for (; hit != hits_.cend() && scanned_ + hit->end <= line_end; ++hit) {
            for (const auto pattern : automaton_.patterns_of(hit->state)) {
                auto& last_line = last_line_of_[pattern];
                if (last_line != line_number_) {
                    last_line = line_number_;
                    found_.push_back({pattern, scanned_ + hit->end - counted_});
                }
            }
        }
        if (follow_ || !found_.empty()) {
            report(line_end);
        }
        if (follow_) {
            if (line_end >= end) {
                break;
            }
            count_lines(line_end + 1);
        }
    }
    count_lines(end);
    find_time_before(end);
    scanned_ = end;
}

void LineScanner::count_lines(std::size_t end) {
    for (auto feed = line_end_from(buffer_, counted_, end); feed < end; feed = line_end_from(buffer_, counted_, end)) {
        counted_ = feed + 1;
        ++line_number_;
    }
}

void LineScanner::report(std::size_t line_end) {
    ScannedLine line;
    line.number = line_number_;
    line.raw = without_carriage_return(std::string_view(buffer_).substr(counted_, line_end - counted_));
    line.found = found_;
    if (inside_line_ && counted_ == 0) {
        line.parts.text = line.raw;
    } else {
        line.parts = parse_log_line(line.raw, clock_);
    }
    line.has_time = line.parts.time.has_value();
    if (line.has_time) {
        time_above_ = line.parts.time;
        zone_known_above_ = line.parts.zone_known;
        time_known_to_ = line_end;
    } else {
        find_time_before(counted_);
        line.parts.time = time_above_;
        line.parts.zone_known = zone_known_above_;
    }
    follow_ = consumer_(line);
}

void LineScanner::find_time_before(std::size_t end) {
    const std::string_view text = buffer_;
    for (std::size_t line_end = end; line_end > time_known_to_;) {
        const auto feed = line_end < 2 ? std::string_view::npos : text.rfind('\n', line_end - 2);
        const std::size_t line_begin = feed == std::string_view::npos ? 0 : feed + 1;
        if (line_begin == 0 && inside_line_) {
            break;
        }
        const auto parts = parse_log_line(text.substr(line_begin, line_end - line_begin), clock_);
        if (parts.time) {
            time_above_ = parts.time;
            zone_known_above_ = parts.zone_known;
            break;
        }
        line_end = line_begin;
    }
    time_known_to_ = std::max(time_known_to_, end);
}

}  // namespace remediations
