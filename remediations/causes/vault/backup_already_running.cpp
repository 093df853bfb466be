#include "remediations/model/remediation.hpp"

namespace remediations::causes::backup_already_running {

extern const Remediation remediation{
    .id = "backup-already-running",
    .title = "Another backup of this VM is running",
    .layer = Layer::vault,
    .scope = Scope::both,
    .error_codes = {"UserErrorBackupOperationInProgress", "ExtensionOperationInProgress", "BMSUserErrorObjectLocked",
                    "UserErrorOperationInProgress", "SystemBackupOperationInProgress"},
    .disruption = Disruption::none,
    .explanation =
        "The vault runs one backup of a VM at a time. A job that still transfers its snapshot, or one of "
        "another vault that protected this VM before, makes it refuse the next.",
    .source = "https://learn.microsoft.com/azure/backup/backup-azure-troubleshoot-vm-backup-fails-snapshot-timeout",
    .instructions =
        "See az backup job list --vault-name <vault> --resource-group <group> --status InProgress, also in a vault "
        "that protected this VM before. Wait for the job; one that is still taking the snapshot can be cancelled with "
        "az backup job stop. If jobs regularly last until the next one is due, let the schedule leave more time.",
};

}  // namespace remediations::causes::backup_already_running
