#include <algorithm>

#include "remediations/knowledge/azure/arm_answer.hpp"
#include "remediations/knowledge/azure/vm_in_azure.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::encryption_info_invalid {

Remediation remediation();

namespace {

using namespace remediations::azure;

/// Returns the faults of a disk encryption set; an Error where Azure does not tell.
machine::Result<std::vector<Evidence>> faults_of(const machine::Machine& machine, const std::string& set) {
    const auto answer =
        ask(machine, {.path = set,
                      .members = {"properties.provisioningState", "properties.activeKey.sourceVault.id",
                                  "properties.autoKeyRotationError.code", "properties.autoKeyRotationError.message"}});
    if (!answer && answer.error().kind == machine::ErrorKind::not_found) {
        return std::vector<Evidence>{{set, "not there", "there"}};
    }
    if (!answer) return answer.error();
    std::vector<Evidence> evidence;
    if (const auto code = text_of(*answer, "properties.autoKeyRotationError.code"); !code.empty()) {
        evidence.push_back({set, "key rotation failed: " + code, "no error"});
    }
    const auto vault = text_of(*answer, "properties.activeKey.sourceVault.id");
    if (vault.empty()) return evidence;
    const auto keys = key_vault(machine, vault);
    if (!keys && keys.error().kind == machine::ErrorKind::not_found) evidence.push_back({vault, "not there", "there"});
    return evidence;
}

Finding diagnose_in_azure(const machine::Machine& machine, const Question&) {
    const auto& model = machine.derived<VmInAzure>().model();
    if (!model) return not_told(model.error());
    std::vector<std::string> sets;
    for (const auto& disk : model->disks) {
        if (!disk.encryption_set.empty()) sets.push_back(disk.encryption_set);
    }
    std::ranges::sort(sets);
    sets.erase(std::unique(sets.begin(), sets.end()), sets.end());
    if (sets.empty()) return Finding::not_applicable("No disk of the VM has a disk encryption set.");
    std::vector<Evidence> evidence;
    for (const auto& set : sets) {
        const auto faults = faults_of(machine, set);
        if (!faults) return not_told(faults.error());
        evidence.insert(evidence.end(), faults->begin(), faults->end());
    }
    if (evidence.empty()) return Finding::healthy("The disk encryption sets of the VM have no fault.");
    return Finding::needs_operator("The key of a disk encryption set of the VM cannot be used.", std::move(evidence),
                                   remediation().instructions);
}

}  // namespace

Remediation remediation() {
    return {
        .id = "encryption-info-invalid",
        .title = "What Azure knows of the VM's disk encryption cannot be used",
        .layer = Layer::vault,
        .scope = Scope::both,
        .error_codes = {"UserErrorInvalidVMEncryptionInfo", "DiskRestorePointClientError"},
        .disruption = Disruption::none,
        .explanation =
            "The VM's model names the key, the secret or the disk encryption set of its disks. When one of them was "
            "deleted or disabled, or the model contradicts the disks, no restore point can be made.",
        .source = "https://learn.microsoft.com/azure/virtual-machines/restore-point-troubleshooting",
        .instructions =
            "Compare az vm encryption show --resource-group <group> --name <vm> and the encryptionSettings of az vm "
            "show with the key vault: key, secret and key vault must exist, be enabled and not expired. For "
            "customer-managed keys do the same for az disk-encryption-set show. Recover what was deleted (az keyvault "
            "key recover), or enable encryption again so that the model is renewed.",
        .diagnose_in_azure = diagnose_in_azure,
    };
}

}  // namespace remediations::causes::encryption_info_invalid
