#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "remediations/machine/machine.hpp"

namespace remediations {

/// Signs that something happened which a diagnosis should look at. They are read in a few milliseconds, without a
/// subprocess.
struct BackupSigns {
    /// Changes when the backup extension wrote to its log, or when something changed that backups depend on: the
    /// configuration of the agent and of the backup, and the set of the agent's certificates.
    std::string fingerprint;
    /// Why the guest agent seems dead or silent, as a clause after "because". Empty while it is alive and reports, and
    /// where that cannot be seen.
    std::string agent_trouble;
    bool agent_is_dead = false;  ///< no process of the agent runs
    /// Linux: the time of the newest error in the last 64 KiB of the agent's log.
    std::optional<std::chrono::system_clock::time_point> newest_error;
};

/// Reads the signs. Linux: the agent writes waagent_status*.json at each report, every few seconds. Windows:
/// WaAppAgent.log grows every few minutes.
BackupSigns backup_signs(const machine::Machine& machine);

/// Returns a running program that installs, removes or updates software: "dpkg (pid 812)"; empty where there is none or
/// the processes cannot be read.
std::string running_package_manager(const machine::Machine& machine);

}  // namespace remediations
