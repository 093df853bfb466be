#include "remediations/model/remediation.hpp"

namespace remediations::causes::provisioning_state_failed {

extern const Remediation remediation{
    .id = "provisioning-state-failed",
    .title = "Azure holds the VM for failed or unfinished",
    .layer = Layer::vault,
    .scope = Scope::both,
    .error_codes = {"UserErrorVmProvisioningStateFailed", "UserErrorVmNotInDesirableState", "VmNotInDesirableState",
                    "OSProvisioningClientError"},
    .disruption = Disruption::none,
    .explanation =
        "An update of the VM or one of its extensions failed or has not ended, and the state stays in the "
        "VM's model until the next update succeeds. If an extension of this VM is at fault, this program "
        "shows it in an earlier layer; repair that first.",
    .source = "https://learn.microsoft.com/azure/backup/backup-azure-troubleshoot-vm-backup-fails-snapshot-timeout",
    .instructions =
        "See az vm get-instance-view --query \"{state: provisioningState, statuses: instanceView.statuses, "
        "extensions: instanceView.extensions}\". Repair or remove an extension that is not Succeeded (az vm "
        "extension delete), then renew the model with az vm reapply --resource-group <group> --name <vm> "
        "(portal: Help > Redeploy + reapply > Reapply). It does not restart the VM. Then back up again.",
};

}  // namespace remediations::causes::provisioning_state_failed
