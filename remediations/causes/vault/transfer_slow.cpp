#include <fmt/format.h>
#include <boost/algorithm/string/predicate.hpp>

#include "remediations/knowledge/azure/arm_answer.hpp"
#include "remediations/knowledge/azure/backup_jobs.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::transfer_slow {

Remediation remediation();

namespace {

using namespace remediations::azure;

/// A first backup may take a day.
constexpr auto long_transfer = std::chrono::hours(24);

Finding diagnose_in_azure(const machine::Machine& machine, const Question&) {
    const auto& jobs = machine.derived<BackupJobs>();
    if (!jobs.jobs()) return not_told(jobs.jobs().error());
    const auto* job = jobs.newest();
    if (!job) return Finding::healthy("The vault tells of no backup of this VM in the last seven days.");
    const auto* snapshot = job->task("Snapshot");
    const auto* transfer = job->task("Transfer");
    const bool has_snapshot = snapshot && boost::iequals(snapshot->status, "Completed");
    const Evidence evidence{
        job->where(),
        fmt::format("{}{}{}", job->status, transfer ? fmt::format(", {}: {}", transfer->name, transfer->status) : "",
                    job->percent ? fmt::format(", {} %", *job->percent) : ""),
        "Completed"};
    const bool has_failed =
        boost::iequals(job->status, "CompletedWithWarnings") ||
        (job->has_failed() && has_snapshot && transfer && boost::iequals(transfer->status, "Failed"));
    if (has_failed) {
        return Finding::needs_operator("The snapshot succeeded, but its transfer to the vault did not.", {evidence},
                                       remediation().instructions);
    }
    const bool is_slow =
        job->runs() && has_snapshot && job->started && machine.facts().now - *job->started > long_transfer;
    if (!is_slow) return Finding::healthy("No transfer to the vault is slow or has failed.", {evidence});
    return Finding::needs_operator(fmt::format("The transfer to the vault has run since {}.", shown(*job->started)),
                                   {evidence}, remediation().instructions)
        .as_risk();
}

}  // namespace

Remediation remediation() {
    return {
        .id = "transfer-slow",
        .title = "The snapshot succeeded, but its transfer to the vault is slow or failed",
        .layer = Layer::vault,
        .scope = Scope::both,
        .error_codes = {"CopyingVHDsFromBackUpVaultTakingLongTime", "DiffCopyFailedToTransferData",
                        "AzureIaaSVMBackupPerf*"},
        .disruption = Disruption::none,
        .explanation =
            "The snapshot is the VM's part of a backup, and it is done. The service then reads the snapshot and copies "
            "it to the vault, which takes long when the disks or the storage account are throttled or much has "
            "changed. Nothing in the VM is at fault.",
        .source = "https://learn.microsoft.com/azure/backup/backup-azure-vms-troubleshoot",
        .instructions =
            "Wait: a first backup may take a day. If it goes on, compare the disks' IOPS and throughput with their "
            "limits (az monitor metrics list), back up when the load is low, and use faster disks; with unmanaged "
            "disks keep half of the premium account free.",
        .diagnose_in_azure = diagnose_in_azure,
    };
}

}  // namespace remediations::causes::transfer_slow
