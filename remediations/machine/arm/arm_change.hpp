#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "remediations/machine/azure.hpp"

namespace machine::arm {

/// All that this program may change in Azure. It writes to no VM but the one that is looked at, and deletes nothing in
/// a vault of backups.
enum class ArmChange {
    start_backup,       ///< POST .../protectedItems/<item>/backup
    cancel_job,         ///< POST .../vaults/<vault>/backupJobs/<job>/cancel
    reapply,            ///< POST <vm>/reapply
    delete_extension,   ///< DELETE <vm>/extensions/<name>
    register_provider,  ///< POST <subscription>/providers/<one that a backup needs>/register
    // A person alone:
    remove_lock,  ///< DELETE <anything of the VM's subscription>/providers/Microsoft.Authorization/locks/<name>
    put_lock,     ///< PUT of the same
    delete_restore_points,  ///< DELETE .../restorePointCollections/AzureBackup_<any>, of the VM's subscription
    end_export,      ///< POST .../AzureBackup_<any>/restorePoints/<any>/diskRestorePoints/<any>/endGetAccess, the same
    set_protection,  ///< PUT .../protectedItems/<the item of the VM>
    set_key_access,  ///< PUT .../Microsoft.KeyVault/vaults/<any of the VM's subscription>/accessPolicies/<operation>
};

/// Which of them a request is; nothing for any other. `vm_id`: resource id of the VM that is looked at.
std::optional<ArmChange> change_in(const ArmQuestion& request, std::string_view vm_id);

/// What everybody in the VM may not be able to do through its managed identity, whatever rights somebody gave it.
bool needs_person(ArmChange change);

/// Until when it has ended, or is given up as unknown.
std::chrono::minutes longest(ArmChange change);

}  // namespace machine::arm
