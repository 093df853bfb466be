#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "remediations/machine/machine.hpp"

namespace remediations {

/// The newest status file of an extension version, as far as it could be understood.
struct ExtensionStatus {
    machine::Path file;
    std::string word;         ///< success, error, transitioning, warning; empty if missing
    std::optional<int> code;  ///< result code; of the inner error where the top level hides it
    std::string message;
    std::chrono::system_clock::time_point modified;
};

/// One installed version of the backup extension (VMSnapshot, VMSnapshotLinux) as the guest agent
/// keeps it.
struct ExtensionFolder {
    machine::Path path;
    std::string version;
    std::vector<std::string> names;         ///< what lies in it
    std::vector<std::string> config_names;  ///< what lies in its config folder (Linux)
    std::string handler_state;              ///< NotInstalled, Installed, Enabled, FailedUpgrade; empty if not told
    std::string handler_status;             ///< Ready, NotReady, Installing, Unresponsive; empty if not told
    int handler_code = 0;                   ///< 1001 to 1012: which step of the agent failed; 0 none
    std::string handler_message;
    std::chrono::system_clock::time_point handler_reported;
    std::optional<ExtensionStatus> status;
    /// A file that is there but could not be read or parsed: its path, and why.
    std::vector<std::pair<std::string, std::string>> unreadable;
};

struct InstalledExtension {
    std::vector<ExtensionFolder> folders;  ///< lowest version first
    std::vector<machine::Path> packages;   ///< zips that the agent kept and would use again (Linux)
    std::vector<std::string> state_keys;   ///< HandlerState keys of its versions (Windows registry)
};

/// The version that the agent runs: the highest one with state Enabled, else the highest. nullptr
/// where none is installed.
const ExtensionFolder* version_in_use(const InstalledExtension& installed);

/// Full name, e.g. "Microsoft.Azure.RecoveryServices.VMSnapshotLinux".
std::string backup_extension_name(machine::Platform platform);

/// Reads what the agent knows of the backup extension. Linux: <Lib.Dir>/<name>-<version>/ with
/// config/HandlerState, config/HandlerStatus and status/<n>.status, and the kept zips. Windows:
/// %SystemDrive%\Packages\Plugins\<name>\<version>\Status and
/// HKLM\SOFTWARE\Microsoft\Windows Azure\HandlerState\<name>_<version> (InstallState).
/// Not installed is an empty result.
machine::Result<InstalledExtension> installed_backup_extension(const machine::Machine& machine);

/// Compares "1.0.9.1" and "1.0.10.0" number by number: negative, 0 or positive.
int compare_versions(std::string_view left, std::string_view right);

/// Understands a status file ([{"status":{...}}]). A failed snapshot can say "success" at the top
/// and hide its error as JSON text in substatus[0].name: the inner code is the one returned.
/// ErrorKind::invalid says what was expected.
machine::Result<ExtensionStatus> parse_extension_status(const machine::Path& file, const std::string& text);

}  // namespace remediations
