#include <fmt/format.h>

#include <boost/algorithm/string/predicate.hpp>

#include "remediations/knowledge/azure/arm_answer.hpp"
#include "remediations/knowledge/azure/backup_jobs.hpp"
#include "remediations/knowledge/azure/vm_in_azure.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::disk_access_limited {

Remediation remediation();

namespace {

using namespace remediations::azure;

std::string limits_of(const DiskKind& disk) {
    std::string limits;
    if (boost::iequals(disk.network_access, "DenyAll")) limits = "networkAccessPolicy DenyAll";
    if (boost::iequals(disk.access_mode, "AzureActiveDirectory")) {
        limits += limits.empty() ? "" : ", ";
        limits += "dataAccessAuthMode AzureActiveDirectory";
    }
    return limits;
}

Finding diagnose_in_azure(const machine::Machine& machine, const Question&) {
    const auto& model = machine.derived<VmInAzure>().model();
    if (!model) return not_told(model.error());
    std::vector<Evidence> evidence;
    for (const auto& disk : model->disks) {
        if (disk.id.empty()) continue;
        const auto kind = disk_kind(machine, disk.id);
        if (!kind) return not_told(kind.error());
        if (auto limits = limits_of(*kind); !limits.empty()) {
            evidence.push_back({disk.id, std::move(limits), "no limit, if a backup needs none"});
        }
    }
    if (evidence.empty()) return Finding::healthy("No disk of the VM limits who may export it.");
    const auto& jobs = machine.derived<BackupJobs>();
    if (!jobs.jobs()) return not_told(jobs.jobs().error());
    if (const auto* job = jobs.newest(); !job || !job->has_failed()) {
        return Finding::healthy("Disks limit who may export them, and no backup has failed by it.",
                                std::move(evidence));
    }
    auto finding =
        Finding::needs_operator("A disk of the VM limits who may export it; that should not stop a snapshot.",
                                std::move(evidence), remediation().instructions);
    finding.is_suspicion = true;
    return std::move(finding).as_risk();
}

}  // namespace

Remediation remediation() {
    return {
        .id = "disk-access-limited",
        .title = "A disk limits who may export it",
        .layer = Layer::managed_disk,
        .scope = Scope::both,
        .error_codes = {},
        .disruption = Disruption::none,
        .explanation =
            "A disk's network access policy, and its data access mode, say who may export it. Snapshots do not need an "
            "export, so this is told only beside a backup that has failed, as a thing to look at once nothing else "
            "explains it. It is seen where Azure may be asked (setting azure).",
        .source = "https://learn.microsoft.com/azure/virtual-machines/disks-restrict-import-export-overview",
        .instructions =
            "Where nothing else explains the failure: az disk update --ids <disk> --network-access-policy AllowAll, "
            "back up, and set it back. If that helps, tell Azure's support.",
        .diagnose_in_azure = diagnose_in_azure,
    };
}

}  // namespace remediations::causes::disk_access_limited
