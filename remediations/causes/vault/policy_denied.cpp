#include "remediations/model/remediation.hpp"

namespace remediations::causes::policy_denied {

extern const Remediation remediation{
    .id = "policy-denied",
    .title = "An Azure Policy forbids what the backup has to create",
    .layer = Layer::vault,
    .scope = Scope::both,
    .error_codes = {"UserErrorRequestDisallowedByPolicy"},
    .disruption = Disruption::none,
    .explanation =
        "Azure Backup makes a resource group AzureBackupRG_<region>_<number> and restore points in it. A "
        "policy with the effect Deny, often one that demands tags or a naming scheme, refuses them.",
    .source = "https://learn.microsoft.com/azure/backup/backup-azure-vms-troubleshoot",
    .instructions =
        "Find the policy in the error details of the job, or with az policy assignment list "
        "--disable-scope-strict-match. Change its effect from Deny to Modify or Audit, exempt the resource "
        "groups AzureBackupRG_*, or create the resource group by hand with the tags it demands and name it "
        "in the backup policy (portal: the policy > Azure Backup Resource Group). Then back up again.",
};

}  // namespace remediations::causes::policy_denied
