#include "remediations/model/remediation.hpp"

namespace remediations::causes::resource_lock {

extern const Remediation remediation{
    .id = "resource-lock",
    .title = "A resource lock stops Azure Backup from cleaning up its restore points",
    .layer = Layer::vault,
    .scope = Scope::both,
    .error_codes = {"UserErrorResourceIsInLockedState", "UserErrorScopeLocked",
                    "UserErrorResourceGroupLockPreventsManagedRpDelete", "UserErrorStorageAccountIsLocked"},
    .disruption = Disruption::none,
    .explanation =
        "Azure Backup keeps the restore points of managed disks in a resource group of its own, "
        "AzureBackupRG_<region>_<number>. A lock on that group, or one inherited from the subscription, "
        "forbids it to delete the old ones. Nothing in the VM can show or change it; only an owner or user "
        "access administrator of the subscription can.",
    .source = "https://learn.microsoft.com/azure/backup/backup-azure-troubleshoot-vm-backup-fails-snapshot-timeout",
    .instructions =
        "Find the lock: az lock list --resource-group AzureBackupRG_<region>_<number>, the same for the VM's "
        "resource group, and az lock list for the subscription (locks are inherited). Note its level, notes "
        "and owners, delete it with az lock delete --ids <id> (portal: the resource group > Settings > "
        "Locks), and back up again: the first backup may still fail, but starts the cleanup, which takes "
        "some hours. Put the lock back only on what Azure Backup does not own.",
};

}  // namespace remediations::causes::resource_lock
