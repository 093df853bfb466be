#include "remediations/formats/http_date.hpp"

#include <algorithm>
#include <array>

#include "remediations/machine/clock_time.hpp"

namespace remediations {

namespace {

std::optional<int> number(std::string_view text, std::size_t offset, std::size_t length) {
    int value = 0;
    for (const char digit : text.substr(offset, length)) {
        if (digit < '0' || digit > '9') return std::nullopt;
        value = value * 10 + (digit - '0');
    }
    return value;
}

}  // namespace

std::optional<std::chrono::system_clock::time_point> parse_http_date(std::string_view text) {
    constexpr std::string_view form = "Sat, 21 Nov 2026 02:00:00 GMT";
    constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    if (text.size() != form.size() || !text.ends_with(" GMT")) return std::nullopt;
    const auto is_at = [&](std::size_t offset, char expected) { return text[offset] == expected; };
    if (!is_at(3, ',') || !is_at(4, ' ') || !is_at(7, ' ') || !is_at(11, ' ') || !is_at(16, ' ') || !is_at(19, ':') ||
        !is_at(22, ':')) {
        return std::nullopt;
    }
    const auto month = std::ranges::find(months, text.substr(8, 3));
    const auto day = number(text, 5, 2);
    const auto year = number(text, 12, 4);
    const auto hour = number(text, 17, 2);
    const auto minute = number(text, 20, 2);
    const auto second = number(text, 23, 2);
    if (month == months.end() || !day || !year || !hour || !minute || !second) return std::nullopt;
    const std::chrono::year_month_day date{std::chrono::year(*year),
                                           std::chrono::month(static_cast<unsigned>(month - months.begin()) + 1),
                                           std::chrono::day(static_cast<unsigned>(*day))};
    if (!date.ok() || !machine::is_clock_year(*year) || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
    return std::chrono::sys_days(date) + std::chrono::hours(*hour) + std::chrono::minutes(*minute) +
           std::chrono::seconds(*second);
}

}  // namespace remediations
