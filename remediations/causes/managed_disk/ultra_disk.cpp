#include <boost/algorithm/string/predicate.hpp>

#include "remediations/knowledge/azure/arm_answer.hpp"
#include "remediations/knowledge/azure/protected_item.hpp"
#include "remediations/knowledge/azure/vm_in_azure.hpp"
#include "remediations/knowledge/network/azure_disks.hpp"
#include "remediations/knowledge/network/snapshot_attempt.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::ultra_disk {

namespace {

bool needs_enhanced_policy(const AzureDisk& disk) {
    return boost::iequals(disk.storage_account_type, "UltraSSD_LRS") ||
           boost::iequals(disk.storage_account_type, "PremiumV2_LRS");
}

Finding diagnose(const machine::Machine& machine) {
    return judge_disks(
        machine,
        {.concerns = needs_enhanced_policy,
         .seen = [](const AzureDisk& disk) { return "storage type " + disk.storage_account_type; },
         .expected = "another storage type, or an Enhanced backup policy",
         .healthy = "No disk needs an Enhanced backup policy.",
         .finding =
             [&](std::vector<Evidence> evidence) {
                 if (newest_backup_succeeded(machine)) {
                     return Finding::healthy("The newest backup succeeded with the VM's Ultra or Premium SSD v2 disks.",
                                             std::move(evidence));
                 }
                 return Finding::needs_operator(
                            "A disk is an Ultra disk or a Premium SSD v2, which only an Enhanced backup policy backs "
                            "up.",
                            std::move(evidence),
                            "See that the VM's backup policy is of the type Enhanced (vault > Backup policies), and "
                            "that the region supports it for this kind of disk; else exclude the disk from the backup.")
                     .as_risk();
             }});
}

/// Asks Azure for the policy, which is not known inside the VM.
Finding diagnose_in_azure(const machine::Machine& machine, const Question&) {
    const auto& model = machine.derived<azure::VmInAzure>().model();
    if (!model) return azure::not_told(model.error());
    std::vector<Evidence> evidence;
    for (const auto& disk : model->disks) {
        if (disk.id.empty()) continue;
        const auto kind = azure::disk_kind(machine, disk.id);
        if (!kind) return azure::not_told(kind.error());
        const auto& type = kind->storage_type;
        if (boost::istarts_with(type, "UltraSSD") || boost::istarts_with(type, "PremiumV2")) {
            evidence.push_back({disk.id, "storage type " + type, "another storage type, or an Enhanced backup policy"});
        }
    }
    if (evidence.empty()) return Finding::healthy("No disk needs an Enhanced backup policy.");
    const auto& policy = machine.derived<azure::BackupPolicy>().policy();
    if (!policy) return azure::not_told(policy.error());
    if (policy->is_enhanced) {
        return Finding::healthy("The VM's backup policy is Enhanced, as its disks need it.", std::move(evidence));
    }
    return Finding::needs_operator(
        "A disk is an Ultra disk or a Premium SSD v2, and the VM's backup policy is not Enhanced.", std::move(evidence),
        "Change the VM's backup policy to an Enhanced one (vault > Backup items > the VM > Change backup policy), or "
        "exclude the disk from the backup.");
}

}  // namespace

Remediation remediation() {
    return {
        .id = "ultra-disk",
        .title = "A disk of the VM needs an Enhanced backup policy",
        .layer = Layer::managed_disk,
        .scope = Scope::both,
        .error_codes = {"UserErrorUnsupportedStorageType", "UserErrorUnsupportedDiskConfiguration"},
        .disruption = Disruption::none,
        .explanation =
            "Ultra disks and Premium SSD v2 are backed up with Enhanced policies only, and not in every region. Which "
            "policy the VM has cannot be seen from inside it.",
        .source = "https://learn.microsoft.com/azure/backup/backup-support-matrix-iaas",
        .diagnose = diagnose,
        .diagnose_in_azure = diagnose_in_azure,
    };
}

}  // namespace remediations::causes::ultra_disk
