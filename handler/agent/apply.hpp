#pragma once

#include <filesystem>
#include <iosfwd>

#include "handler/agent/exit_code.hpp"
#include "handler/agent/system.hpp"

namespace handler {

/// The work of the extension for those who have no extension type to install: Run Command, Custom Script and VM
/// Applications call manifest/run/run.sh or run.ps1, and these call `apply`.

/// Runs what the settings on standard input ask for (see parse_settings), in this process, and prints the status
/// message that the extension would report, with the first lines of its substatuses: all together in at most
/// `most_output_bytes`, because Run Command and Custom Script show the last 4 KiB alone.
/// ok unless the extension would report "error": settings_invalid, something_left (failOnUnresolved), else failed. A
/// script that fails puts the VM into a failed state, so what is left in the VM is no error here either.
/// Log and HTML reports are in logs/ of the state folder, the store is in applied/ of it.
ExitCode apply(const System& system, std::ostream& out, std::ostream& err);
inline constexpr std::size_t most_output_bytes = 3900;

/// Removes all that `apply` left behind, as `uninstall` does: what stays is the journal of changes, and where it is is
/// said. failed while an `apply` does not end.
ExitCode clean_up(const System& system, std::ostream& out, std::ostream& err);

std::filesystem::path applied_folder(const std::filesystem::path& state_folder);
std::filesystem::path applied_log_folder(const std::filesystem::path& state_folder);

}  // namespace handler
