#include <algorithm>

#include "remediations/knowledge/azure/arm_answer.hpp"
#include "remediations/knowledge/azure/protected_item.hpp"
#include "remediations/knowledge/azure/restore_points.hpp"
#include "remediations/knowledge/azure/vm_in_azure.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::protected_vm_not_found {

Remediation remediation();

namespace {

using namespace remediations::azure;

/// Returns the newest restore point, which tells which VM was backed up last.
const RestorePoint* newest_point(const std::vector<RestorePointCollection>& collections) {
    const RestorePoint* newest = nullptr;
    for (const auto& collection : collections) {
        for (const auto& point : collection.points) {
            if (point.made && !point.vm_id.empty() && (!newest || *point.made > *newest->made)) newest = &point;
        }
    }
    return newest;
}

Finding diagnose_in_azure(const machine::Machine& machine, const Question&) {
    const auto& model = machine.derived<VmInAzure>().model();
    if (!model) return not_told(model.error());
    const auto& item = machine.derived<ProtectedItem>().item();
    if (!item) return not_told(item.error());
    if (!*item) return Finding::not_applicable("No vault protects this VM.");
    const auto collections = collections_of_backup(machine);
    if (!collections) return not_told(collections.error());
    const auto* point = newest_point(*collections);
    if (point && !model->vm_id.empty() && !is_same_id(point->vm_id, model->vm_id)) {
        return Finding::needs_operator(
            "The VM was created anew under the same name: the restore points are of the one before it.",
            {{"restore point " + point->name, "of the VM with the id " + point->vm_id, "of " + model->vm_id}},
            remediation().instructions);
    }
    return Finding::healthy("The vault protects the VM that exists.", {{(*item)->id, (*item)->source_id, model->id}});
}

}  // namespace

Remediation remediation() {
    return {
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
            "Compare the VM's resource id with the one of the backup item (az backup item list --vault-name <vault> "
            "--resource-group <group>). Stop the old item's protection and keep its data, then protect the VM that "
            "exists, in a vault of its own region: az backup protection enable-for-vm.",
        .diagnose_in_azure = diagnose_in_azure,
    };
}

}  // namespace remediations::causes::protected_vm_not_found
