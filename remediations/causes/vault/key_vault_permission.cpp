#include "remediations/model/remediation.hpp"

namespace remediations::causes::key_vault_permission {

extern const Remediation remediation{
    .id = "key-vault-permission",
    .title = "Azure Backup may not read the keys of the encrypted VM",
    .layer = Layer::vault,
    .scope = Scope::both,
    .error_codes = {"UserErrorKeyVaultPermissionsNotConfigured"},
    .disruption = Disruption::none,
    .explanation =
        "To back up a VM with Azure Disk Encryption, the service Backup Management Service must read the "
        "encryption keys and secrets in the key vault. The VM itself needs no right there.",
    .source = "https://learn.microsoft.com/azure/backup/backup-azure-vms-encryption",
    .instructions =
        "Give Backup Management Service get, list and backup on keys and on secrets: az keyvault set-policy --name "
        "<key vault> --spn 262044b1-e2ce-469f-a196-69ab7ada62d3 --key-permissions get list backup --secret-permissions "
        "get list backup (US Government: ff281ffe-705c-4f53-9f37-a40e6f2c68f3). Where the key vault uses roles, assign "
        "the service Key Vault Administrator instead. If its firewall is on, allow trusted Microsoft services. If it "
        "was granted just now, wait some minutes and back up again.",
};

}  // namespace remediations::causes::key_vault_permission
