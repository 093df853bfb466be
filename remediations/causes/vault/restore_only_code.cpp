#include "remediations/model/remediation.hpp"

namespace remediations::causes::restore_only_code {

Remediation remediation() {
    return {
        .id = "restore-only-code",
        .title = "The error code belongs to a restore, not to a backup",
        .layer = Layer::vault,
        .scope = Scope::both,
        .error_codes = {"UserErrorMarketPlaceVMNotSupported", "UserErrorSkuNotAvailable", "UserErrorInstantRpNotFound",
                        "UserErrorMigrationFromTrustedLaunchVMToNonTrustedVMNotAllowed",
                        "UserErrorCrossSubscriptionRestore*"},
        .disruption = Disruption::none,
        .explanation =
            "These codes come from restore jobs. The backup of this VM is not concerned, and nothing in the VM causes "
            "them.",
        .source = "https://learn.microsoft.com/azure/backup/backup-azure-vms-troubleshoot",
        .instructions =
            "Look at the restore job in the vault: its error details name the size, image, restore point or "
            "subscription that does not fit. Restore the disks instead of the VM and create the VM from them, or "
            "choose another recovery point or target.",
    };
}

}  // namespace remediations::causes::restore_only_code
