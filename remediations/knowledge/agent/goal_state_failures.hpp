#pragma once

#include <optional>
#include <string>
#include <vector>

#include "remediations/knowledge/logs/log_evidence.hpp"

namespace remediations {

/// The newest line in the log of the Linux guest agent that says that it cannot get its goal state.
struct FailingFetch {
    LogLine line;
    std::uint64_t count = 0;  ///< number of such lines in all
};

/// Returns nullopt where the failure is over: a later line shows that the agent gets its goal states; the agent was
/// started after the failure and has had time to log it again; or the line is older than the longest time for which an
/// agent that fails logs nothing.
std::optional<FailingFetch> failing_fetch(const machine::Machine& machine);

/// Returns the lines that failing_fetch() asks the logs for.
std::vector<LogPattern> failing_fetch_lines();

/// Returns true if `line` was written after `other`: by their places where both are in one file, else by their times.
bool is_later(const LogLine& line, const LogLine& other);

}  // namespace remediations
