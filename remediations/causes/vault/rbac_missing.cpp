#include "remediations/model/remediation.hpp"

namespace remediations::causes::rbac_missing {

Remediation remediation() {
    return {
        .id = "rbac-missing",
        .title = "The caller has no right to back up this VM",
        .layer = Layer::vault,
        .scope = Scope::both,
        .error_codes = {"AuthorizationFailed", "LinkedAuthorizationFailed"},
        .disruption = Disruption::none,
        .explanation =
            "Whoever enables or starts a backup needs rights on the vault and on the VM. Being owner of other resource "
            "groups does not help, and nothing in the VM can show it.",
        .source = "https://learn.microsoft.com/azure/backup/backup-rbac-rs-vault",
        .instructions =
            "Give the caller Backup Operator on the vault's resource group and Virtual Machine Contributor on the "
            "VM's: az role assignment create --assignee <caller> --role \"Backup Operator\" --scope <vault's resource "
            "group id>, and the same with \"Virtual Machine Contributor\". The error names the action and the scope "
            "that were refused. A new assignment takes some minutes to have effect.",
    };
}

}  // namespace remediations::causes::rbac_missing
