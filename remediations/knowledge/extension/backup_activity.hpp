#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "remediations/machine/machine.hpp"

namespace remediations {

/// Processes of the backup extension that run now, for people: "handle.py enable (pid 812)". While
/// there is one, a backup may be in progress and nothing may be disturbed.
/// Windows: IaaSBcdrExtension.exe. Linux: any process with a folder of VMSnapshotLinux in its
/// command line, and safefreeze.
machine::Result<std::vector<std::string>> running_backup_processes(const machine::Machine& machine);

/// When the newest of them started; nothing where none runs.
machine::Result<std::optional<std::chrono::system_clock::time_point>> newest_backup_start(
    const machine::Machine& machine);

/// Why nothing may be changed now, to follow "because": a backup runs, or it is not known whether one does.
std::optional<std::string> why_not_to_disturb(const machine::Machine& machine);

}  // namespace remediations
