#include <fmt/format.h>
#include <boost/algorithm/string/predicate.hpp>

#include "remediations/changes/changes.hpp"
#include "remediations/knowledge/azure/arm_answer.hpp"
#include "remediations/knowledge/azure/backup_jobs.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::backup_already_running {

namespace {

using namespace remediations::azure;

/// A snapshot takes minutes.
constexpr auto longest_snapshot = std::chrono::hours(2);
/// Once it is cancelled.
constexpr std::chrono::minutes job_ends_within{5};

Finding diagnose_in_azure(const machine::Machine& machine, const Question&) {
    const auto& jobs = machine.derived<BackupJobs>();
    if (!jobs.jobs()) return not_told(jobs.jobs().error());
    const auto* job = jobs.newest();
    if (!job || !job->runs()) return Finding::healthy("No backup of this VM runs at present.");
    const auto* snapshot = job->task("Snapshot");
    const bool is_in_snapshot = snapshot && boost::iequals(snapshot->status, "InProgress");
    const Evidence evidence{job->where(), fmt::format("{}{}", job->status, is_in_snapshot ? ", Take Snapshot" : ""),
                            "a snapshot ends within two hours"};
    const bool is_stuck = is_in_snapshot && job->started && machine.facts().now - *job->started > longest_snapshot;
    if (!is_stuck) return Finding::healthy("A backup of this VM runs at present.", {evidence});
    auto summary = fmt::format("A backup has been at its snapshot since {}.", shown(*job->started));
    if (!job->may_be_cancelled) {
        return Finding::needs_operator(std::move(summary), {evidence},
                                       "Wait for its end: Azure allows nobody to cancel it at present.");
    }
    auto finding =
        Finding::broken(std::move(summary), {evidence},
                        fmt::format("Cancel it, then back up again: az backup job stop --ids \"{}\"", job->id));
    finding.subjects = {job->id};
    return finding;
}

machine::Result<void> fix(const Finding& finding, Changes& changes) {
    for (const auto& id : finding.subjects) {
        if (auto cancelled = changes.cancel_backup_job(id); !cancelled) return cancelled;
        changes.azure_shows(
            [](const machine::Machine& machine) {
                const auto* job = machine.derived<BackupJobs>().newest();
                return job && !job->runs();
            },
            job_ends_within);
    }
    return {};
}

}  // namespace

Remediation remediation() {
    return {
        .id = "backup-already-running",
        .title = "Another backup of this VM is running",
        .layer = Layer::vault,
        .scope = Scope::both,
        .error_codes = {"UserErrorBackupOperationInProgress", "ExtensionOperationInProgress",
                        "BMSUserErrorObjectLocked", "UserErrorOperationInProgress", "SystemBackupOperationInProgress"},
        .disruption = Disruption::service_restart,
        .explanation =
            "The vault runs one backup of a VM at a time. A job that still transfers its snapshot, or one of another "
            "vault that protected this VM before, makes it refuse the next.",
        .source = "https://learn.microsoft.com/azure/backup/backup-azure-troubleshoot-vm-backup-fails-snapshot-timeout",
        .acts_in_azure = true,
        .instructions =
            "See az backup job list --vault-name <vault> --resource-group <group> --status InProgress, also in a vault "
            "that protected this VM before. Wait for the job; one that is still taking the snapshot can be cancelled "
            "with az backup job stop. If jobs regularly last until the next one is due, let the schedule leave more "
            "time.",
        .diagnose_in_azure = diagnose_in_azure,
        .fix = fix,
    };
}

}  // namespace remediations::causes::backup_already_running
