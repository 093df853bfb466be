#pragma once

#include <string_view>

#include "remediations/knowledge/logs/log_evidence.hpp"

namespace remediations {

/// Returns the newest attempt in the backup log, unless it succeeded; nullptr otherwise.
const BackupAttempt* unsuccessful_attempt(const machine::Machine& machine);

/// Returns true if the newest attempt in the backup log succeeded.
bool newest_backup_succeeded(const machine::Machine& machine);

/// Returns the newest line of the backup extension's log with `text` (one of a remediation's signals). nullptr where
/// there is none, where it is older than the newest attempt, or where that attempt succeeded.
const LogLine* line_of_unsuccessful_attempt(const machine::Machine& machine, std::string_view text);

/// Returns a line that shows that the newest attempt, which did not succeed, asked storage for snapshots itself (the
/// guest path); it does so where the host's service did not answer. nullptr where there is none.
const LogLine* guest_path_of_unsuccessful_attempt(const machine::Machine& machine);

/// Returns the lines that guest_path_of_unsuccessful_attempt() asks the logs for.
std::vector<LogPattern> guest_path_lines();

/// Returns the host name of the storage account in a line of the guest path ("index: 0 blobUri: https://..."); empty
/// where the line has none.
std::string storage_host_in(std::string_view line);

}  // namespace remediations
