#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "remediations/knowledge/logs/log_evidence.hpp"

namespace remediations {

/// A mount point that safefreeze could not freeze or thaw, from its log line. The reason is never translated, because
/// safefreeze sets no locale.
struct MountFailure {
    enum class Step { open, status, not_a_directory, freeze, thaw };
    Step step = Step::freeze;
    std::string mount_point;
    std::string reason;  ///< text of strerror, e.g. "Device or resource busy"; empty where the version logs none
    LogLine line;
};

/// Returns nullopt for a line without such a failure.
std::optional<MountFailure> parse_mount_failure(const LogLine& line);

/// Returns the failures of the extension's newest run, and of a log that shows no complete run, in the order of the
/// log. Returns none where a later backup succeeded.
std::vector<MountFailure> current_mount_failures(const machine::Machine& machine);

/// Returns the patterns that current_mount_failures() asks the logs for.
std::vector<LogPattern> mount_failure_patterns();

/// Returns what the error means for freezing a file system and what to look at; empty for an unknown one.
std::string_view meaning_of_freeze_error(std::string_view reason);

inline constexpr std::string_view busy = "Device or resource busy";

/// Returns the newest run of the extension where it ended without success or broke off with an error; nullptr
/// otherwise.
const BackupAttempt* last_failed_backup(const machine::Machine& machine);

bool last_backup_succeeded(const machine::Machine& machine);

/// Returns the finding, as a risk where the last backup succeeded nevertheless.
Finding weighed_by_last_backup(Finding finding, const machine::Machine& machine);

/// Returns true if a line was written during an attempt.
bool belongs_to(const LogLine& line, const BackupAttempt& attempt);

}  // namespace remediations
