#pragma once

#include <optional>
#include <string>

#include "remediations/knowledge/configuration/extension_folder.hpp"
#include "remediations/knowledge/logs/log_evidence.hpp"

namespace remediations {

/// How the last run of the Linux backup extension ended, by its log, else by its status file.
struct LastBackup {
    /// nullopt while it runs, where it broke off, and where nothing tells of it.
    std::optional<bool> succeeded;
    std::optional<int> code;  ///< the extension's own result code
    std::vector<Evidence> evidence;
    const BackupAttempt* attempt = nullptr;  ///< nullptr where only the status file tells of it
};

LastBackup last_backup(const machine::Machine& machine, const InstalledExtension& installed);

}  // namespace remediations
