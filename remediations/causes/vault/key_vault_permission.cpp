#include <fmt/format.h>
#include <boost/algorithm/string/predicate.hpp>

#include "remediations/knowledge/azure/arm_answer.hpp"
#include "remediations/knowledge/azure/vm_in_azure.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::key_vault_permission {

extern const Remediation remediation;

namespace {

using namespace remediations::azure;

Finding diagnose_in_azure(const machine::Machine& machine, const Question& question) {
    const auto& model = machine.derived<VmInAzure>().model();
    if (!model) return not_told(model.error());
    if (model->key_vault.empty()) return Finding::not_applicable("The VM has no Azure Disk Encryption.");
    const auto answer = key_vault(machine, model->key_vault);
    if (!answer && answer.error().kind == machine::ErrorKind::not_found) {
        return Finding::needs_operator(
            "The key vault with the VM's encryption keys does not exist.", {{model->key_vault, "not there", "there"}},
            fmt::format("Recover it: az keyvault recover --name {}. Then back up again.", name_of(model->key_vault)));
    }
    if (!answer) return not_told(answer.error());
    const auto& bypass = answer->bypass;
    const Evidence evidence{model->key_vault,
                            fmt::format("{}, bypass {}", answer->is_closed ? "closed to networks" : "open",
                                        bypass.empty() ? "not told" : bypass),
                            "open to trusted Microsoft services"};
    if (answer->is_closed && boost::iequals(bypass, "None")) {
        auto finding = Finding::needs_operator(
            "The key vault with the VM's encryption keys lets Azure Backup not in.", {evidence},
            fmt::format("az keyvault update --name {} --bypass AzureServices, then back up again.",
                        name_of(model->key_vault)));
        return explains(remediation, question.error_code) ? finding : std::move(finding).as_risk();
    }
    // Only the error code shows if the service has its rights there, because its object id differs in each tenant.
    if (explains(remediation, question.error_code)) {
        return not_told(machine::Error::unsupported("who may read keys there is not seen"));
    }
    return Finding::healthy("The key vault with the VM's encryption keys is there, and lets Azure Backup in.",
                            {evidence});
}

}  // namespace

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
    .diagnose_in_azure = diagnose_in_azure,
};

}  // namespace remediations::causes::key_vault_permission
