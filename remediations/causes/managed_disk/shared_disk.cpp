#include <fmt/format.h>

#include <algorithm>

#include "remediations/knowledge/azure/arm_answer.hpp"
#include "remediations/knowledge/azure/vm_in_azure.hpp"
#include "remediations/knowledge/network/azure_disks.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::shared_disk {

Remediation remediation();

namespace {

/// File systems that several machines mount at once.
constexpr std::string_view cluster_file_systems[] = {"gfs2", "ocfs2"};
constexpr auto how_to =
    "Detach the shared disk, or exclude it from the backup (selective disk backup with an Enhanced policy); back up "
    "its data in another way.";

/// Returns signs inside the VM, because Azure reports only for ultra disks if they are shared.
std::vector<Evidence> signs_of_cluster(const machine::Machine& machine) {
    std::vector<Evidence> evidence;
    if (const auto mounts = machine.mounts().list()) {
        for (const auto& mount : *mounts) {
            if (std::ranges::find(cluster_file_systems, mount.type) == std::end(cluster_file_systems)) continue;
            evidence.push_back({mount.target, fmt::format("{} on {}", mount.type, mount.source), "no shared disk"});
        }
    }
    return evidence;
}

Finding diagnose(const machine::Machine& machine) {
    auto evidence = signs_of_cluster(machine);
    const bool has_cluster_file_system = !evidence.empty();
    const auto& vm = machine.derived<InstanceMetadata>().description();
    if (vm) {
        for (const auto& disk : vm->disks()) {
            if (disk.shared == true) evidence.push_back({disk.described(), "shared (maxShares above 1)", "not shared"});
        }
    }
    if (!evidence.empty()) {
        auto finding = Finding::needs_operator(
            has_cluster_file_system
                ? "A file system for shared disks is mounted: Azure VM backup does not back up shared disks."
                : "A disk is shared with other VMs: Azure VM backup does not back up such disks.",
            std::move(evidence), how_to);
        return risk_where_backups_succeed(machine, std::move(finding));
    }
    if (!vm && vm.error().kind != machine::ErrorKind::not_captured) return disks_not_known(machine);
    return Finding::healthy("Nothing in this VM tells of a shared disk.");
}

Finding diagnose_in_azure(const machine::Machine& machine, const Question& question) {
    const auto& model = machine.derived<azure::VmInAzure>().model();
    if (!model) return azure::not_told(model.error());
    std::vector<Evidence> evidence;
    for (const auto& disk : model->disks) {
        if (disk.id.empty()) continue;
        const auto kind = azure::disk_kind(machine, disk.id);
        if (!kind) return azure::not_told(kind.error());
        if (kind->max_shares > 1) {
            evidence.push_back(
                {disk.id, fmt::format("maxShares {}", kind->max_shares), "1, or excluded from the backup"});
        }
    }
    if (evidence.empty()) return Finding::healthy("No disk of the VM is shared.");
    auto finding = Finding::needs_operator(
        "A disk is shared with other VMs: Azure VM backup does not back up such disks.", std::move(evidence), how_to);
    // It may be excluded from the backup.
    return explains(remediation(), question.error_code) ? finding : std::move(finding).as_risk();
}

}  // namespace

Remediation remediation() {
    return {
        .id = "shared-disk",
        .title = "A shared disk is attached to the VM",
        .layer = Layer::managed_disk,
        .scope = Scope::both,
        .error_codes = {"UserErrorSharedDiskBackupNotSupported", "UserErrorUnsupportedDiskConfiguration"},
        .disruption = Disruption::none,
        .explanation =
            "A managed disk whose maxShares is above 1 can be attached to several VMs; a VM backup that includes one "
            "fails. From inside the VM it is seen only in part: Azure tells of ultra disks alone whether they are "
            "shared.",
        .source = "https://learn.microsoft.com/azure/backup/backup-support-matrix-iaas",
        .instructions = how_to,
        .diagnose = diagnose,
        .diagnose_in_azure = diagnose_in_azure,
    };
}

}  // namespace remediations::causes::shared_disk
