#include "remediations/model/remediation.hpp"

namespace remediations::causes::restore_point_limit {

extern const Remediation remediation{
    .id = "restore-point-limit",
    .title = "The VM has as many restore points as it may have",
    .layer = Layer::vault,
    .scope = Scope::both,
    .error_codes = {"UserErrorRpCollectionLimitReached"},
    .disruption = Disruption::none,
    .explanation =
        "Old instant restore points are deleted when their retention ends. They pile up when a lock on "
        "AzureBackupRG_<region>_<number> or on the subscription forbids that, or when several backups a day "
        "are kept for many days. The snapshots in the VM succeed meanwhile.",
    .source = "https://learn.microsoft.com/azure/backup/backup-azure-troubleshoot-vm-backup-fails-snapshot-timeout",
    .instructions =
        "List the collections, az restore-point collection list-all, and take those whose source is this VM. "
        "First remove locks: az lock list --resource-group AzureBackupRG_<region>_<number> and az lock list "
        "for the subscription. Then back up on demand: it may fail once, but starts the cleanup, which takes "
        "some hours. Only when the next scheduled backup fails too, delete the collection with az "
        "restore-point collection delete --resource-group AzureBackupRG_<region>_<number> "
        "--restore-point-collection-name <name>; this loses the instant restore points, not the recovery "
        "points in the vault, and a large collection may need two or three tries.",
};

}  // namespace remediations::causes::restore_point_limit
