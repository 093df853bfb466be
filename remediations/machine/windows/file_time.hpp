#pragma once

#include <windows.h>

#include <chrono>

#include "remediations/machine/clock_time.hpp"

namespace machine::windows {

inline std::chrono::system_clock::time_point to_time_point(FILETIME time) {
    // FILETIME counts 100 ns from 1601-01-01.
    constexpr std::int64_t ticks_in_second = 10'000'000;
    constexpr std::int64_t seconds_to_1970 = 11'644'473'600;
    const auto ticks = (static_cast<std::int64_t>(time.dwHighDateTime) << 32) | time.dwLowDateTime;
    return time_after_1970(std::chrono::seconds(ticks / ticks_in_second - seconds_to_1970)) +
           std::chrono::nanoseconds(std::max<std::int64_t>(ticks, 0) % ticks_in_second * 100);
}

}  // namespace machine::windows
