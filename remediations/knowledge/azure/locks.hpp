#pragma once

#include <string>
#include <vector>

#include "remediations/machine/machine.hpp"

namespace remediations::azure {

/// A lock on a subscription, a resource group or a resource.
/// https://learn.microsoft.com/azure/azure-resource-manager/management/lock-resources
struct ManagementLock {
    std::string id;     ///< ".../providers/Microsoft.Authorization/locks/name"
    std::string scope;  ///< resource id of the locked subscription, group or resource
    std::string level;  ///< "CanNotDelete" or "ReadOnly"
    std::string notes;

    bool is_read_only() const;
    /// Returns true if the lock applies to the resource: its scope is the resource itself or above it.
    bool holds_for(std::string_view resource_id) const;
};

/// Returns the lock of this id with its scope, level and notes left empty; an empty one where it is no id of a lock.
ManagementLock lock_named(const std::string& id);

/// All locks of the subscription that this identity may see. Get them through machine.derived<Locks>().
class Locks {
public:
    explicit Locks(const machine::Machine& machine);

    /// Returns the locks, or why they are not known. Where the identity may not read the subscription, returns those of
    /// the VM's resource group and above; then sees_all() is false, and an empty list says little.
    const machine::Result<std::vector<ManagementLock>>& all() const { return all_; }
    bool sees_all() const { return sees_all_; }

private:
    bool sees_all_ = true;
    machine::Result<std::vector<ManagementLock>> all_;
};

/// What a lock of either level forbids.
enum class LockedAct {
    write,     ///< any request but GET: a ReadOnly lock
    deletion,  ///< a lock of either level
};

/// ErrorKind::refused, naming the lock, where one that this identity may see forbids the act on the resource: then
/// nothing is sent. Where the locks may not be seen Azure itself refuses.
machine::Result<void> no_lock_on(const machine::Machine& machine, const std::string& resource_id, LockedAct act);

}  // namespace remediations::azure
