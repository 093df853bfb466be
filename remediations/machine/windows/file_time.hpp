#pragma once

#include <windows.h>

#include <chrono>

namespace machine::windows {

inline std::chrono::system_clock::time_point to_time_point(FILETIME time) {
    // FILETIME counts 100 ns from 1601-01-01.
    constexpr std::int64_t unix_epoch = 116444736000000000;
    const auto ticks = (static_cast<std::int64_t>(time.dwHighDateTime) << 32) | time.dwLowDateTime;
    using Ticks = std::chrono::duration<std::int64_t, std::ratio<1, 10'000'000>>;
    return std::chrono::system_clock::time_point(
        std::chrono::duration_cast<std::chrono::system_clock::duration>(Ticks(ticks - unix_epoch)));
}

}  // namespace machine::windows
