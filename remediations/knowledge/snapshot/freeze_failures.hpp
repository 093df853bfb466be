#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "remediations/knowledge/logs/log_evidence.hpp"

namespace remediations {

/// A mount point that safefreeze could not freeze or thaw, as its line says. The reason is never
/// translated: safefreeze sets no locale.
struct MountFailure {
    enum class Step { open, status, not_a_directory, freeze, thaw };
    Step step = Step::freeze;
    std::string mount_point;
    std::string reason;  ///< strerror's text, e.g. "Device or resource busy"; empty where the version logs none
    LogLine line;
};

/// nullopt for a line that tells of no such failure.
std::optional<MountFailure> parse_mount_failure(const LogLine& line);

/// Those of the newest run of the extension, and lines of a log that shows no whole run; none that a
/// later successful backup has made history. In the order of the log.
std::vector<MountFailure> current_mount_failures(const machine::Machine& machine);

/// The patterns that current_mount_failures asks for.
std::vector<LogPattern> mount_failure_patterns();

/// What the error means for freezing a file system, and what to look at; empty for an unknown one.
std::string_view meaning_of_freeze_error(std::string_view reason);

inline constexpr std::string_view busy = "Device or resource busy";

/// The newest run of the extension, where it ended without success or broke off with an error;
/// nullptr otherwise.
const BackupAttempt* last_failed_backup(const machine::Machine& machine);

bool last_backup_succeeded(const machine::Machine& machine);

/// The finding as a risk where the last backup succeeded nevertheless.
Finding weighed_by_last_backup(Finding finding, const machine::Machine& machine);

/// Whether a line was written in the course of an attempt.
bool belongs_to(const LogLine& line, const BackupAttempt& attempt);

}  // namespace remediations
