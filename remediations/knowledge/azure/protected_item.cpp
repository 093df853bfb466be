#include "remediations/knowledge/azure/protected_item.hpp"

#include <fmt/format.h>

#include <boost/algorithm/string/case_conv.hpp>
#include <boost/algorithm/string/erase.hpp>
#include <boost/algorithm/string/predicate.hpp>
#include <boost/json.hpp>

#include "remediations/knowledge/azure/arm_answer.hpp"
#include "remediations/knowledge/azure/vm_in_azure.hpp"

namespace remediations::azure {

namespace json = boost::json;
using machine::ErrorKind;
using machine::Machine;
using machine::Result;
using Item = ProtectedItem::Item;

namespace {

const std::vector<std::string>& item_members() {
    static const std::vector<std::string> members = {"id",
                                                     "properties.protectionState",
                                                     "properties.sourceResourceId",
                                                     "properties.virtualMachineId",
                                                     "properties.policyId",
                                                     "properties.lastBackupStatus",
                                                     "properties.lastBackupTime",
                                                     "properties.lastRecoveryPoint",
                                                     "properties.healthStatus",
                                                     "properties.isScheduledForDeferredDelete",
                                                     "properties.deferredDeleteTimeInUTC",
                                                     "properties.healthDetails.code",
                                                     "properties.healthDetails.title",
                                                     "properties.healthDetails.message"};
    return members;
}

/// Looks in the vault that somebody named.
Result<std::optional<Item>> find_in_vault(const Machine& machine, const machine::AzureAccess& access) {
    const auto list = ask(machine, question_for_items(access.vault_id));
    if (!list) return list.error();
    for (const auto& each : list_of(*list, "")) {
        auto item = item_in(each);
        if (is_same_id(item.source_id, access.vm_id)) return std::optional(std::move(item));
    }
    return std::optional<Item>();
}

/// Returns the region in which Azure Backup knows the VM, without blanks.
Result<std::string> region_of(const Machine& machine, const machine::AzureAccess& access) {
    if (!access.location.empty()) return boost::erase_all_copy(boost::to_lower_copy(access.location), " ");
    const auto& model = machine.derived<VmInAzure>().model();
    if (!model) return model.error();
    return model->location;
}

/// Asks Azure Backup which vault it is. It answers only identities that have the right for the whole subscription.
Result<std::optional<Item>> find_by_status(const Machine& machine, const machine::AzureAccess& access) {
    const auto region = region_of(machine, access);
    if (!region) return region.error();
    const auto status =
        ask(machine, {.path = fmt::format("{}/providers/Microsoft.RecoveryServices/locations/{}/backupStatus",
                                          subscription_of(access.vm_id), *region),
                      .members = {"protectionStatus", "vaultId", "fabricName", "containerName", "protectedItemName"},
                      .method = "POST",
                      .body = json::serialize(json::object{{"resourceType", "VM"}, {"resourceId", access.vm_id}})});
    if (!status) {
        if (status.error().kind != ErrorKind::access_denied) return status.error();
        return machine::Error::access_denied(
            status.error().message + "; it counts for the whole subscription alone: else name the vault",
            status.error().code);
    }
    const auto vault = text_of(*status, "vaultId");
    const auto name = text_of(*status, "protectedItemName");
    if (vault.empty() || name.empty() || boost::iequals(text_of(*status, "protectionStatus"), "NotProtected")) {
        return std::optional<Item>();
    }
    const auto fabric = text_of(*status, "fabricName");
    const auto answer =
        ask(machine, {.path = fmt::format("{}/backupFabrics/{}/protectionContainers/{}/protectedItems/{}", vault,
                                          fabric.empty() ? "Azure" : fabric, text_of(*status, "containerName"), name),
                      .members = item_members()});
    if (!answer) return answer.error();
    return std::optional(item_in(*answer));
}

Result<std::optional<Item>> find_item(const Machine& machine) {
    const auto access = machine.azure().access();
    if (!access) return access.error();
    return access->vault_id.empty() ? find_by_status(machine, *access) : find_in_vault(machine, *access);
}

Result<BackupPolicy::Policy> read_policy(const Machine& machine) {
    const auto& item = machine.derived<ProtectedItem>().item();
    if (!item) return item.error();
    if (!*item || (*item)->policy.empty()) return machine::Error::not_found("no backup policy applies to the VM");
    const auto answer =
        ask(machine, {.path = (*item)->policy,
                      .members = {"name", "properties.policyType", "properties.instantRpRetentionRangeInDays",
                                  "properties.instantRPDetails.azureBackupRGNamePrefix",
                                  "properties.instantRPDetails.azureBackupRGNameSuffix"}});
    if (!answer) return answer.error();
    return BackupPolicy::Policy{text_of(*answer, "name"),
                                boost::iequals(text_of(*answer, "properties.policyType"), "V2"),
                                number_of(*answer, "properties.instantRpRetentionRangeInDays"),
                                text_of(*answer, "properties.instantRPDetails.azureBackupRGNamePrefix"),
                                text_of(*answer, "properties.instantRPDetails.azureBackupRGNameSuffix")};
}

}  // namespace

machine::ArmQuestion question_for_items(const std::string& vault) {
    return {.path = vault + "/backupProtectedItems",
            .members = item_members(),
            .query = {{"$filter", "backupManagementType eq 'AzureIaasVM' and itemType eq 'VM'"}},
            .is_list = true};
}

Item item_in(const json::value& answer) {
    Item item;
    item.id = text_of(answer, "id");
    const auto vault = boost::ifind_first(item.id, "/backupFabrics/");
    item.vault = vault.empty() ? std::string() : std::string(item.id.begin(), vault.begin());
    // "VM;iaasvmcontainerv2;rg;vm"
    const auto name = boost::to_lower_copy(part_of(item.id, "protectedItems"));
    item.container = name.substr(std::min(name.find(';') + 1, name.size()));
    item.protection_state = text_of(answer, "properties.protectionState");
    item.source_id = text_of(answer, "properties.sourceResourceId");
    if (item.source_id.empty()) item.source_id = text_of(answer, "properties.virtualMachineId");
    item.policy = text_of(answer, "properties.policyId");
    item.last_status = text_of(answer, "properties.lastBackupStatus");
    item.last_backup = time_of(answer, "properties.lastBackupTime");
    item.last_recovery_point = time_of(answer, "properties.lastRecoveryPoint");
    item.health_status = text_of(answer, "properties.healthStatus");
    item.is_soft_deleted = switch_of(answer, "properties.isScheduledForDeferredDelete").value_or(false);
    item.deleted_for_good = time_of(answer, "properties.deferredDeleteTimeInUTC");
    for (const auto& each : list_of(answer, "properties.healthDetails")) {
        item.health.push_back({text_of(each, "code"), text_of(each, "title"), text_of(each, "message")});
    }
    return item;
}

ProtectedItem::ProtectedItem(const Machine& machine) : item_(find_item(machine)) {}

BackupPolicy::BackupPolicy(const Machine& machine) : policy_(read_policy(machine)) {}

}  // namespace remediations::azure
