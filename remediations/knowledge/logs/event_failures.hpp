#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "remediations/knowledge/logs/backup_attempt.hpp"
#include "remediations/machine/event_log.hpp"
#include "remediations/model/failure.hpp"

namespace remediations {

/// The known backups of a machine, to judge if an event has to do with them.
struct BackupRuns {
    std::vector<BackupAttempt> attempts;  ///< LogEvidence::attempts(), oldest first, without one that still runs
    /// End of the newest good backup, by the log or by other signs.
    std::optional<std::chrono::system_clock::time_point> success;
    std::chrono::system_clock::time_point now;
};

/// Returns the queries, one for each channel, for all errors and warnings of providers that have to do with a backup.
/// `sql_instances` are the named instances of SQL Server: each has a provider name of its own.
std::vector<machine::EventQuery> failure_queries(const std::vector<std::string>& sql_instances);

/// Returns the errors and warnings among these events that have to do with backups, each shape once, newest first; at
/// most most_failure_shapes:
/// - events during a failed backup after the newest good one that do not clearly belong to another program;
/// - where no backup is known: what VSS, its drivers and its writers logged since the newest good backup.
/// Sets is_noise where good backups of the machine, or the hours before one, show the shape too, or where it is known
/// to be harmless.
std::vector<Failure> failures_among(const std::vector<machine::Event>& events, const BackupRuns& runs);

inline constexpr std::size_t most_failure_shapes = 200;

}  // namespace remediations
