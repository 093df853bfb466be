#include "remediations/model/remediation.hpp"

namespace remediations::causes::protected_vm_not_found {

extern const Remediation remediation{
    .id = "protected-vm-not-found",
    .title = "The VM that the vault protects no longer exists",
    .layer = Layer::vault,
    .scope = Scope::both,
    .error_codes = {"ResourceNotFound", "320001", "BCMV2VMNotFound", "400094", "UserErrorVmNotFoundV2",
                    "UserErrorGenericResourceNotFound", "UserErrorVmVaultLocationMismatch"},
    .disruption = Disruption::none,
    .explanation =
        "The vault knows the VM by its resource id. After a move to another resource group, subscription or "
        "region, or when it was created anew under the same name, that id is another one.",
    .source = "https://learn.microsoft.com/azure/backup/backup-azure-vms-troubleshoot",
    .instructions =
        "Compare the VM's resource id with the one of the backup item (az backup item list --vault-name "
        "<vault> --resource-group <group>). Stop the old item's protection and keep its data, then protect "
        "the VM that exists, in a vault of its own region: az backup protection enable-for-vm.",
};

}  // namespace remediations::causes::protected_vm_not_found
