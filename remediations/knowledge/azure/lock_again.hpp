#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "remediations/changes/undo.hpp"
#include "remediations/machine/machine.hpp"

namespace remediations::azure {

struct LockAgainOptions {
    std::string hold_back = {};  ///< why each lock stays away for now, "no backup ..."; empty: none has to
    /// How long to wait for Azure Backup's cleanup, where a lock would stop it again.
    std::chrono::minutes within{180};
    std::function<void(const std::string&)> progress = [](const std::string&) {};  ///< "waiting for ..."
};

/// Puts back the management locks that earlier runs of this computer removed for this VM, and nothing else of those
/// runs. A lock that forbids the deletion of restore points waits until none is overdue. One on a group of Azure
/// Backup's own stays away, because it would stop each later cleanup. Each step says what became of one lock; none
/// where no lock is missing. The caller holds the run lock.
std::vector<UndoneStep> lock_again(const std::filesystem::path& state_folder, machine::Machine& machine,
                                   const LockAgainOptions& options);

}  // namespace remediations::azure
