#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "remediations/machine/machine.hpp"

namespace remediations {

/// What shows in a few milliseconds, without a subprocess, whether something happened that a diagnosis should look at.
struct BackupSigns {
    /// Another text once the backup extension wrote to its log, or a file that decides about backups is another: the
    /// agent's and the backup's configuration, and which certificates the agent has.
    std::string fingerprint;
    /// Why the guest agent seems to be dead or silent, to follow "because"; empty while it is alive and reports, and
    /// where neither can be seen.
    std::string agent_trouble;
    bool agent_is_dead = false;  ///< no process of it runs
    /// When the newest error stands in the agent's log, of its last 64 KiB; Linux.
    std::optional<std::chrono::system_clock::time_point> newest_error;
};

/// Linux: the agent writes waagent_status*.json at each report, every few seconds. Windows: WaAppAgent.log grows every
/// few minutes.
BackupSigns backup_signs(const machine::Machine& machine);

/// Programs that install, remove or update software and run now: "dpkg (pid 812)"; empty where there is none, or none
/// can be seen.
std::string running_package_manager(const machine::Machine& machine);

}  // namespace remediations
