#include "remediations/knowledge/logs/log_line.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>

#include "remediations/machine/utf8.hpp"

namespace remediations {
namespace {

constexpr std::string_view ellipsis = "\xE2\x80\xA6";

/// 2026-11-20 22:01:07Z
std::string to_text(std::chrono::system_clock::time_point time) {
    const auto days = std::chrono::floor<std::chrono::days>(time);
    const std::chrono::year_month_day date(days);
    const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::seconds>(time - days));
    return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}Z", static_cast<int>(date.year()),
                       static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), clock.hours().count(),
                       clock.minutes().count(), clock.seconds().count());
}

}  // namespace

std::string LogLine::place() const {
    return number > 0 ? fmt::format("{}:{}", file, number) : file;
}

Evidence LogLine::evidence(std::string expected) const {
    Evidence result;
    result.where = place();
    result.seen = time ? fmt::format("{} {}", to_text(*time), text) : text;
    result.expected = std::move(expected);
    return result;
}

std::string printable(std::string_view text) {
    std::string result = machine::valid_utf8(text.substr(0, LogLine::longest_text + 1));
    for (auto& c : result) {
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
            c = ' ';
        }
    }
    result.erase(result.find_last_not_of(' ') + 1);
    // Bytes that are no UTF-8 have grown to three each.
    if (result.size() <= LogLine::longest_text && text.size() <= LogLine::longest_text) {
        return result;
    }
    return std::string(machine::utf8_prefix(result, LogLine::longest_text - ellipsis.size())).append(ellipsis);
}

std::string excerpt_around(std::string_view text, std::size_t from, std::size_t to) {
    constexpr std::size_t longest = LogLine::longest_text;
    constexpr std::size_t context = 100;
    if (text.size() <= longest || to <= longest - ellipsis.size()) {
        return std::string(text.substr(0, longest + 1));
    }
    from = std::min(from, text.size());
    std::size_t begin = from - std::min(from, context);
    // Does not begin within a word: that may be a secret, which is recognized by the text before it.
    while (begin > 0 && begin < from && text[begin - 1] != ' ') {
        ++begin;
    }
    return std::string(begin > 0 ? ellipsis : "").append(text.substr(begin, longest + 1));
}

}  // namespace remediations
