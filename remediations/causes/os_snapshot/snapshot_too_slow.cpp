#include "remediations/knowledge/extension/last_run.hpp"
#include "remediations/knowledge/snapshot/snapshot_timeouts.hpp"

namespace remediations::causes::snapshot_too_slow {

namespace {

Finding diagnose(const machine::Machine& machine) {
    auto evidence = snapshot_timeouts(machine);
    if (evidence.empty()) return Finding::healthy("No snapshot since the last good backup was too slow.");
    auto finding = Finding::needs_operator(
        "The disks or writers of this VM were too busy to come to rest within the time that VSS allows.",
        std::move(evidence),
        "Move the backup to a quieter time; see in the VM's metrics whether disks reach their limit of operations or "
        "throughput then, and use faster disks or a larger VM. Spread other jobs (antivirus scans, database "
        "maintenance) away from it.");
    return machine.derived<LastRun>().end() == LastRun::End::succeeded ? std::move(finding).as_risk() : finding;
}

}  // namespace

Remediation remediation() {
    return {
        .id = "snapshot-too-slow",
        .title = "Disks or writers are too busy for a snapshot",
        .layer = Layer::os_snapshot,
        .scope = Scope::windows,
        .error_codes = {"ExtensionFailedVssWriterInBadState", "ExtensionSnapshotFailed", "VMRestorePointClientError"},
        .explanation =
            "VSS gives writers a minute and disks ten seconds in which nothing may be written. On a busy VM the time "
            "runs out, and the whole snapshot fails (events VSS 12297, 12298, 12310, volsnap 8 and 9; codes "
            "0x800423F2, 0x80042313, 0x80042314).",
        .source = "https://learn.microsoft.com/azure/backup/backup-azure-vms-troubleshoot",
        .signals = all_judged(snapshot_timeout_events()),
        .consequences = {"vss-writer-failed", "vss-writer-of-service-failed", "vss-writer-of-application-failed",
                         "vss-writer-refused", "backup-attempt-failed", "backup-extension-state"},
        .diagnose = diagnose,
    };
}

}  // namespace remediations::causes::snapshot_too_slow
