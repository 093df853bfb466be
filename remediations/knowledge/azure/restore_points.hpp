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
    std::string vm_id;  ///< vmId of the VM when the restore point was created
    std::optional<std::chrono::system_clock::time_point> made;
    std::vector<std::string> disk_points = {};  ///< resource ids, one for each disk
};

/// A restore point collection of this VM. Other backup products create them too.
struct RestorePointCollection {
    std::string id;
    std::string state;  ///< "Succeeded", "Deleting", "Failed"
    std::vector<RestorePoint> points;

    /// Returns true if Azure Backup created it, by its name and its group: AzureBackup_<vm>_<number> in
    /// AzureBackupRG_<region>_<number>, or in the group that the policy names.
    bool is_of_backup(const std::string& group_prefix, const std::string& group_suffix) const;
};

/// The collections whose source is this VM, as far as this identity may see them. Get them through
/// machine.derived<RestorePoints>().
class RestorePoints {
public:
    explicit RestorePoints(const machine::Machine& machine);

    const machine::Result<std::vector<RestorePointCollection>>& collections() const { return collections_; }

private:
    machine::Result<std::vector<RestorePointCollection>> collections_;
};

/// Returns true if the resource with this id is a resource group in which Azure Backup keeps restore points, or in one:
/// AzureBackupRG_<region>_<number>, or what the policy of the VM names.
bool is_in_group_of_backup(const machine::Machine& machine, std::string_view id);

/// Returns the collections that Azure Backup created.
machine::Result<std::vector<RestorePointCollection>> collections_of_backup(const machine::Machine& machine);

/// Returns the days for which the policy keeps restore points; the usual number where it is not known.
std::chrono::days days_kept(const machine::Machine& machine);
/// Returns true if Azure Backup should have deleted the restore point by now.
bool is_overdue(const machine::Machine& machine, const RestorePoint& point);
/// Returns how many of the VM's restore points of Azure Backup are.
machine::Result<std::size_t> count_overdue(const machine::Machine& machine);

}  // namespace remediations::azure
