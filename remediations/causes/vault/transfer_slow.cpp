#include "remediations/model/remediation.hpp"

namespace remediations::causes::transfer_slow {

extern const Remediation remediation{
    .id = "transfer-slow",
    .title = "The snapshot succeeded, but its transfer to the vault is slow or failed",
    .layer = Layer::vault,
    .scope = Scope::both,
    .error_codes = {"CopyingVHDsFromBackUpVaultTakingLongTime", "DiffCopyFailedToTransferData",
                    "AzureIaaSVMBackupPerf*"},
    .disruption = Disruption::none,
    .explanation =
        "The snapshot is the VM's part of a backup, and it is done. The service then reads the snapshot and "
        "copies it to the vault, which takes long when the disks or the storage account are throttled or "
        "much has changed. Nothing in the VM is at fault.",
    .source = "https://learn.microsoft.com/azure/backup/backup-azure-vms-troubleshoot",
    .instructions =
        "Wait: a first backup may take a day. If it goes on, compare the disks' IOPS and throughput with "
        "their limits (az monitor metrics list), back up when the load is low, and use faster disks; with "
        "unmanaged disks keep half of the premium account free.",
};

}  // namespace remediations::causes::transfer_slow
