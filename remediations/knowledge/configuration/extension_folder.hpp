#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "remediations/machine/machine.hpp"

namespace remediations {

/// The newest status file of an extension version, as far as this program understood it.
struct ExtensionStatus {
    machine::Path file;
    std::string word;         ///< success, error, transitioning, warning; empty if missing
    std::optional<int> code;  ///< result code; the code of the inner error where the top level hides it
    std::string message;
    std::chrono::system_clock::time_point modified;
};

/// One installed version of the backup extension (VMSnapshot, VMSnapshotLinux) in the guest agent's folders.
struct ExtensionFolder {
    machine::Path path;
    std::string version;
    std::vector<std::string> names;         ///< names of the files and folders in it
    std::vector<std::string> config_names;  ///< names in its config folder (Linux)
    std::string handler_state;              ///< NotInstalled, Installed, Enabled, FailedUpgrade; empty if not known
    std::string handler_status;             ///< Ready, NotReady, Installing, Unresponsive; empty if not known
    int handler_code = 0;                   ///< 1001 to 1012: the step of the agent that failed; 0: none
    std::string handler_message;
    std::chrono::system_clock::time_point handler_reported;
    std::optional<ExtensionStatus> status;
    /// Files that exist but could not be read or parsed: path and reason.
    std::vector<std::pair<std::string, std::string>> unreadable;
};

struct InstalledExtension {
    std::vector<ExtensionFolder> folders;  ///< lowest version first
    std::vector<machine::Path> packages;   ///< zip files that the agent kept and would use again (Linux)
    std::vector<std::string> state_keys;   ///< HandlerState keys of its versions (Windows registry)
};

/// Returns the version that the agent runs: the highest one with state Enabled, else the highest one. nullptr where
/// none is installed.
const ExtensionFolder* version_in_use(const InstalledExtension& installed);

/// Returns the full name: "Microsoft.Azure.RecoveryServices.VMSnapshotLinux".
std::string backup_extension_name(machine::Platform platform);

/// Reads the agent's data about the backup extension. Linux: <Lib.Dir>/<name>-<version>/ with config/HandlerState,
/// config/HandlerStatus and status/<n>.status, and the kept zip files. Windows:
/// %SystemDrive%\Packages\Plugins\<name>\<version>\Status and HKLM\SOFTWARE\Microsoft\Windows
/// Azure\HandlerState\<name>_<version> (InstallState). The result is empty where the extension is not installed.
machine::Result<InstalledExtension> installed_backup_extension(const machine::Machine& machine);

/// Compares "1.0.9.1" and "1.0.10.0" number by number: negative, 0 or positive.
int compare_versions(std::string_view left, std::string_view right);

/// Parses a status file ([{"status":{...}}]). A failed snapshot may say "success" at the top level and hide its error
/// as JSON text in substatus[0].name; then the inner code is returned. ErrorKind::invalid says what was expected.
machine::Result<ExtensionStatus> parse_extension_status(const machine::Path& file, const std::string& text);

}  // namespace remediations
