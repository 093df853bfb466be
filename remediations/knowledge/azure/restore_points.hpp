#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "remediations/machine/machine.hpp"

namespace remediations::azure {

struct RestorePoint {
    std::string name;
    std::string state;
    std::string vm_id;  ///< vmId of the VM when it was made
    std::optional<std::chrono::system_clock::time_point> made;
    std::vector<std::string> disk_points = {};  ///< resource ids, one for each disk
};

/// A collection of restore points of this VM. Other backup products make such too.
struct RestorePointCollection {
    std::string id;
    std::string state;  ///< "Succeeded", "Deleting", "Failed"
    std::vector<RestorePoint> points;

    /// By its name and its group: AzureBackup_<vm>_<number> in AzureBackupRG_<region>_<number>, or the group that the
    /// policy names.
    bool is_of_backup(const std::string& group_prefix, const std::string& group_suffix) const;
};

/// Those whose source is this VM, as far as this identity may see. Get it through machine.derived<RestorePoints>().
class RestorePoints {
public:
    explicit RestorePoints(const machine::Machine& machine);

    const machine::Result<std::vector<RestorePointCollection>>& collections() const { return collections_; }

private:
    machine::Result<std::vector<RestorePointCollection>> collections_;
};

/// Those of them that Azure Backup made.
machine::Result<std::vector<RestorePointCollection>> collections_of_backup(const machine::Machine& machine);

}  // namespace remediations::azure
