#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace machine {

/// The first and last year of times that this program takes from files, certificates and logs. Between them, times can
/// be added and subtracted without leaving the range of std::chrono::system_clock (1677 to 2262).
inline constexpr std::int64_t first_clock_year = 1970;
inline constexpr std::int64_t last_clock_year = 2199;

constexpr bool is_clock_year(std::int64_t year) {
    return year >= first_clock_year && year <= last_clock_year;
}

/// Returns the nearest time between 1970 and 2199. `time` counts from 1970-01-01.
constexpr std::chrono::system_clock::time_point time_after_1970(std::chrono::seconds time) {
    constexpr std::chrono::sys_seconds end =
        std::chrono::sys_days(std::chrono::year(last_clock_year) / std::chrono::December / 31);
    return std::chrono::system_clock::time_point(
        std::clamp(time, std::chrono::seconds(0), std::chrono::seconds(end.time_since_epoch())));
}

}  // namespace machine
