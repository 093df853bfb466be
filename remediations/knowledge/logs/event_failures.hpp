#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "remediations/knowledge/logs/backup_attempt.hpp"
#include "remediations/machine/event_log.hpp"
#include "remediations/model/failure.hpp"

namespace remediations {

/// What is known of the machine's backups, to judge by what an event has to do with them.
struct BackupRuns {
    std::vector<BackupAttempt> attempts;  ///< LogEvidence::attempts(), oldest first; without one that still runs
    /// End of the newest good one, from the log or by other signs.
    std::optional<std::chrono::system_clock::time_point> success;
    std::chrono::system_clock::time_point now;
};

/// All errors and warnings of the providers that have to do with a backup, for EventLog::read; one query for each
/// channel. `sql_instances` are the named ones: each writes under a provider of its own.
std::vector<machine::EventQuery> failure_queries(const std::vector<std::string>& sql_instances);

/// Errors and warnings among these, each shape once, the newest first; at most most_failure_shapes. Only what has to do
/// with backups:
/// - what stands in a run of the backup that failed after the newest good one, and is not plainly another program's;
/// - where nothing is known of any run: what VSS, its drivers and its writers logged since the newest good backup.
/// is_noise: the machine's good runs, or the hours before one, show the shape as well, or it is known to be harmless.
std::vector<Failure> failures_among(const std::vector<machine::Event>& events, const BackupRuns& runs);

inline constexpr std::size_t most_failure_shapes = 200;

}  // namespace remediations
