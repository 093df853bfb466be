#pragma once

#include <filesystem>
#include <iosfwd>

#include "handler/agent/exit_code.hpp"
#include "handler/agent/system.hpp"

namespace handler {

/// Does the extension's work where no extension can be installed: Run Command, Custom Script and VM Applications call
/// manifest/run/run.sh or run.ps1, and these call `apply`.

/// Runs what the settings on standard input ask for (see parse_settings()), in this process. Prints the message of the
/// status that the extension would report, then the first lines of its substatuses: at most `most_output_bytes` in all,
/// because Run Command and Custom Script show only the last 4 KiB. Returns ok unless the extension would report
/// "error": then settings_invalid, something_left (failOnUnresolved), else failed. Causes that are left in the VM are
/// not an error here either, because a script that fails puts the VM into a failed state. Log and HTML reports are in
/// logs/ of the state folder, the store in applied/.
ExitCode apply(const System& system, std::ostream& out, std::ostream& err);
inline constexpr std::size_t most_output_bytes = 3900;

/// Removes everything that `apply` left, as `uninstall` does. The journal of changes stays, and `out` gets its path.
/// Returns failed while an `apply` does not end.
ExitCode clean_up(const System& system, std::ostream& out, std::ostream& err);

std::filesystem::path applied_folder(const std::filesystem::path& state_folder);
std::filesystem::path applied_log_folder(const std::filesystem::path& state_folder);

}  // namespace handler
