#pragma once

#include <string_view>

#include "remediations/knowledge/logs/log_evidence.hpp"

namespace remediations {

/// The newest attempt of a backup that its log tells of, unless that succeeded; nullptr otherwise.
const BackupAttempt* unsuccessful_attempt(const machine::Machine& machine);

/// Whether the newest attempt that the log tells of succeeded.
bool newest_backup_succeeded(const machine::Machine& machine);

/// The newest line of the backup extension's log with `text` (one of a remediation's log_lines),
/// unless it is older than the newest attempt or that succeeded; nullptr otherwise.
const LogLine* line_of_unsuccessful_attempt(const machine::Machine& machine, std::string_view text);

/// Whether the newest attempt, which did not succeed, asked storage for snapshots itself (the guest
/// path), as it does where the host's service did not answer. nullptr when it did not.
const LogLine* guest_path_of_unsuccessful_attempt(const machine::Machine& machine);

/// What guest_path_of_unsuccessful_attempt asks the logs for.
std::vector<LogPattern> guest_path_lines();

/// The storage account's host name in a line of the guest path ("index: 0 blobUri: https://..."); empty
/// where it names none.
std::string storage_host_in(std::string_view line);

}  // namespace remediations
