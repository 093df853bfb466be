#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "remediations/machine/machine.hpp"

namespace remediations {

/// Returns the running processes of the backup extension, for people: "handle.py enable (pid 812)". While there is one,
/// a backup may be in progress and nothing may be disturbed. Windows: IaaSBcdrExtension.exe. Linux: safefreeze, and any
/// process with a folder of VMSnapshotLinux in its command line.
machine::Result<std::vector<std::string>> running_backup_processes(const machine::Machine& machine);

/// Returns the start of the newest of these processes; nullopt where none runs.
machine::Result<std::optional<std::chrono::system_clock::time_point>> newest_backup_start(
    const machine::Machine& machine);

/// Returns why nothing may be changed now, as a clause after "because": a backup runs, or this program cannot tell if
/// one runs.
std::optional<std::string> why_not_to_disturb(const machine::Machine& machine);

}  // namespace remediations
