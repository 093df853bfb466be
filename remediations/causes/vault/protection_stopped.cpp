#include "remediations/model/remediation.hpp"

namespace remediations::causes::protection_stopped {

extern const Remediation remediation{
    .id = "protection-stopped",
    .title = "The vault does not protect this VM at present",
    .layer = Layer::vault,
    .scope = Scope::both,
    .error_codes = {"UserErrorBcmDatasourceNotPresent"},
    .disruption = Disruption::none,
    .explanation = "Its protection was stopped, with its data kept, or paused. No backup runs until it is resumed.",
    .source = "https://learn.microsoft.com/azure/backup/backup-azure-troubleshoot-vm-backup-fails-snapshot-timeout",
    .instructions =
        "In the vault: Backup items > Azure Virtual Machine > this VM > Resume backup, with a policy; or az "
        "backup protection resume --policy-name <policy> --container-name <vm> --item-name <vm> --vault-name "
        "<vault> --resource-group <group>.",
};

}  // namespace remediations::causes::protection_stopped
