#pragma once

#include <optional>
#include <string>

#include "remediations/knowledge/configuration/extension_folder.hpp"
#include "remediations/knowledge/logs/log_evidence.hpp"

namespace remediations {

/// The result of the last run of the Linux backup extension, from its log, else from its status file.
struct LastBackup {
    /// nullopt while it runs, where it broke off, and where its result is not known.
    std::optional<bool> succeeded;
    std::optional<int> code;  ///< the extension's result code
    std::vector<Evidence> evidence;
    const BackupAttempt* attempt = nullptr;  ///< nullptr where only the status file has it
};

LastBackup last_backup(const machine::Machine& machine, const InstalledExtension& installed);

}  // namespace remediations
