#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace remediations {

/// In the line that the agent writes every half hour: how often fetching the goal state failed since the last one.
constexpr std::string_view failed_fetches = "UpdateGSErrors: ";

/// Whether the agent gets its goal states, by the count in its heartbeat and the time between the last failure that it
/// told of and this heartbeat. nullopt where the line has no count, or the failure is too young to be counted.
std::optional<bool> gets_goal_states(std::string_view heartbeat,
                                     std::optional<std::chrono::system_clock::duration> since_failure);

}  // namespace remediations
