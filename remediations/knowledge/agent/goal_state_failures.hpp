#pragma once

#include <optional>
#include <string>
#include <vector>

#include "remediations/knowledge/logs/log_evidence.hpp"

namespace remediations {

/// That the Linux guest agent cannot get its goal state, by the newest line of its log that says so.
struct FailingFetch {
    LogLine line;
    std::uint64_t count = 0;  ///< such lines in all
};

/// nullopt where a line of an agent that gets its goal states followed, where the agent of today was started after it
/// and has had the time to say so again, and where it is older than the agent is ever silent about it.
std::optional<FailingFetch> failing_fetch(const machine::Machine& machine);

/// What failing_fetch() asks the logs for.
std::vector<LogPattern> failing_fetch_lines();

/// Whether `line` was written after `other`: where both are of one file by their place there, else by their times.
bool is_later(const LogLine& line, const LogLine& other);

}  // namespace remediations
