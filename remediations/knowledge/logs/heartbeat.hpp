#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace remediations {

/// In the line that the agent writes every half hour, before the number of failed fetches of the goal state since the
/// last such line.
constexpr std::string_view failed_fetches = "UpdateGSErrors: ";

/// Returns true if the agent gets its goal states, by the count in its heartbeat. `since_failure` is the time between
/// the last logged failure and this heartbeat. nullopt where the line has no count, or where the failure is too recent
/// to be counted.
std::optional<bool> gets_goal_states(std::string_view heartbeat,
                                     std::optional<std::chrono::system_clock::duration> since_failure);

}  // namespace remediations
