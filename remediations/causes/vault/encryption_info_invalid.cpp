#include "remediations/model/remediation.hpp"

namespace remediations::causes::encryption_info_invalid {

extern const Remediation remediation{
    .id = "encryption-info-invalid",
    .title = "What Azure knows of the VM's disk encryption cannot be used",
    .layer = Layer::vault,
    .scope = Scope::both,
    .error_codes = {"UserErrorInvalidVMEncryptionInfo", "DiskRestorePointClientError"},
    .disruption = Disruption::none,
    .explanation =
        "The VM's model names the key, the secret or the disk encryption set of its disks. When one of them "
        "was deleted or disabled, or the model contradicts the disks, no restore point can be made.",
    .source = "https://learn.microsoft.com/azure/virtual-machines/restore-point-troubleshooting",
    .instructions =
        "Compare az vm encryption show --resource-group <group> --name <vm> and the encryptionSettings of az "
        "vm show with the key vault: key, secret and key vault must exist, be enabled and not expired. For "
        "customer-managed keys do the same for az disk-encryption-set show. Recover what was deleted (az "
        "keyvault key recover), or enable encryption again so that the model is renewed.",
};

}  // namespace remediations::causes::encryption_info_invalid
