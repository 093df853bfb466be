#include <fmt/format.h>
#include <boost/algorithm/string/predicate.hpp>
#include <boost/json.hpp>

#include "remediations/changes/azure_key_access.hpp"
#include "remediations/changes/changes.hpp"
#include "remediations/knowledge/azure/arm_answer.hpp"
#include "remediations/knowledge/azure/locks.hpp"
#include "remediations/knowledge/azure/vm_in_azure.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::key_vault_permission {

Remediation remediation();

namespace {

using namespace remediations::azure;

/// https://learn.microsoft.com/azure/backup/backup-azure-vms-encryption
const KeyAccess& needed_access() {
    static const KeyAccess access{.keys = {"get", "list", "backup"}, .secrets = {"get", "list", "backup"}};
    return access;
}

/// Returns the application id of Backup Management Service in the cloud of the VM.
std::string_view service_of(const machine::Machine& machine) {
    const auto access = machine.azure().access();
    return access && access->cloud == "AzureUSGovernmentCloud" ? "ff281ffe-705c-4f53-9f37-a40e6f2c68f3"
                                                               : "262044b1-e2ce-469f-a196-69ab7ada62d3";
}

/// Returns the object id that a person named as the service's: <key vault>/accessPolicies/<object id>. Azure's
/// directory has it, which a token for Resource Manager does not open, and each tenant has another one.
std::string named_service(const machine::Machine& machine, const Question& question, const std::string& key_vault) {
    for (const auto& id : question.azure_allow) {
        const auto object = part_of(id, "accessPolicies");
        const bool is_of_vault = is_same_id(id, fmt::format("{}/accessPolicies/{}", key_vault, object));
        if (!object.empty() && is_of_vault && may_change(machine, question, id)) return object;
    }
    return {};
}

/// What the access policies of the key vault say of the service that a person named.
Finding diagnose_access(const machine::Machine& machine, const std::string& vault, const std::string& service) {
    const auto seen = azure_key_access_slot(vault, service)->read(machine);
    if (!seen) return not_told(seen.error());
    const auto has = seen->is_null() ? std::string("no rights") : boost::json::serialize(*seen);
    const Evidence evidence{fmt::format("{}, {}", vault, service), has,
                            "get, list and backup for keys and for secrets"};
    if (*seen == with_access(*seen, needed_access())) {
        return Finding::healthy("The service that was named may read the keys there.", {evidence});
    }
    auto finding = Finding::broken("The service that was named may not read the keys there.", {evidence},
                                   remediation().instructions);
    finding.subjects = {vault, service};
    return finding;
}

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
        return explains(remediation(), question.error_code) ? finding : std::move(finding).as_risk();
    }
    // Only the error code shows if the service has its rights there, because its object id differs in each tenant.
    if (explains(remediation(), question.error_code)) {
        if (answer->uses_roles) {
            return Finding::needs_operator(
                "Roles decide who may read keys in the key vault, and Azure Backup may not.",
                {{model->key_vault, "enableRbacAuthorization true", "a role of Backup Management Service"}},
                fmt::format(R"(az role assignment create --assignee {} --role "Key Vault Administrator" --scope "{}", )"
                            "or a role of your own with the data actions keys/read, keys/backup/action, "
                            "secrets/getSecret/action, secrets/readMetadata/action and secrets/backup/action of "
                            "Microsoft.KeyVault/vaults. Then back up again.",
                            service_of(machine), model->key_vault));
        }
        const auto service = named_service(machine, question, model->key_vault);
        if (!service.empty()) return diagnose_access(machine, model->key_vault, service);
        return not_told(machine::Error::unsupported("who may read keys there is not seen"));
    }
    return Finding::healthy("The key vault with the VM's encryption keys is there, and lets Azure Backup in.",
                            {evidence});
}

machine::Result<void> fix(const Finding& finding, Changes& changes) {
    const auto& vault = finding.subjects.at(0);
    if (auto allowed = no_lock_on(changes.machine(), vault, LockedAct::write); !allowed) return allowed;
    return changes.allow_keys(vault, finding.subjects.at(1), needed_access());
}

}  // namespace

Remediation remediation() {
    return {
        .id = "key-vault-permission",
        .title = "Azure Backup may not read the keys of the encrypted VM",
        .layer = Layer::vault,
        .scope = Scope::both,
        .error_codes = {"UserErrorKeyVaultPermissionsNotConfigured"},
        .disruption = Disruption::workload,
        .explanation =
            "To back up a VM with Azure Disk Encryption, the service Backup Management Service must read the "
            "encryption keys and secrets in the key vault. The VM itself needs no right there.",
        .source = "https://learn.microsoft.com/azure/backup/backup-azure-vms-encryption",
        .only_next_backup_proves = true,
        .acts_in_azure = true,
        .instructions =
            "Give Backup Management Service get, list and backup on keys and on secrets: az keyvault set-policy --name "
            "<key vault> --spn 262044b1-e2ce-469f-a196-69ab7ada62d3 --key-permissions get list backup "
            "--secret-permissions get list backup (US Government: ff281ffe-705c-4f53-9f37-a40e6f2c68f3). Where the key "
            "vault uses roles, assign the service a role with the data actions keys/read, keys/backup/action, "
            "secrets/getSecret/action, secrets/readMetadata/action and secrets/backup/action; Key Vault Administrator "
            "has them, and more. If its firewall is on, allow trusted Microsoft services. If it was granted just now, "
            "wait some minutes and back up again.",
        .diagnose_in_azure = diagnose_in_azure,
        .fix = fix,
    };
}

}  // namespace remediations::causes::key_vault_permission
