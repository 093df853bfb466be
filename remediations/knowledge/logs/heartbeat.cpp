#include "remediations/knowledge/logs/heartbeat.hpp"

#include <charconv>
#include <cstdint>

namespace remediations {

std::optional<bool> gets_goal_states(std::string_view heartbeat,
                                     std::optional<std::chrono::system_clock::duration> since_failure) {
    const auto at = heartbeat.find(failed_fetches);
    if (at == heartbeat.npos) return std::nullopt;
    const auto digits = heartbeat.substr(at + failed_fetches.size());
    std::uint64_t count = 0;
    if (std::from_chars(digits.data(), digits.data() + digits.size(), count).ec != std::errc()) return std::nullopt;
    if (count == 0) return true;
    // An agent that fails asks again every few seconds, so that it soon has many to count. A few pass by.
    constexpr std::uint64_t many = 10;
    constexpr auto time_for_many = std::chrono::minutes(2);
    if (count >= many) return false;
    return since_failure > time_for_many ? std::optional(true) : std::nullopt;
}

}  // namespace remediations
