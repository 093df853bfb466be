#include "remediations/knowledge/extension/vss_suspicion.hpp"
#include "remediations/knowledge/snapshot/vss_writer_state.hpp"

namespace remediations::causes::vss_writer_failed {

namespace {

Finding diagnose(const machine::Machine& machine, const Question& question) {
    return diagnose_writers(machine, question, WriterService::safe);
}

}  // namespace

Remediation remediation() {
    return {
        .id = "vss-writer-failed",
        .title = "A VSS writer of Windows has failed",
        .layer = Layer::os_snapshot,
        .scope = Scope::windows,
        .error_codes = {"ExtensionFailedVssWriterInBadState", "ExtensionSnapshotFailed", "VMRestorePointClientError"},
        .disruption = Disruption::service_restart,
        .explanation =
            "A writer that failed once can stay so until its service is restarted, and every later snapshot fails with "
            "it. Writers are known by their class id and state number, whatever the display language. Only services "
            "are restarted whose restart nobody feels (VSS, Cryptographic Services, BITS, Windows Search), with those "
            "that depend on them. vssadmin waits for every writer; where nothing points to VSS it has half a minute.",
        .source = "https://learn.microsoft.com/azure/backup/backup-azure-vms-troubleshoot",
        .signals = all_judged(vss_suspicion_events()),
        .consequences = {"vss-writer-refused", "snapshot-without-threads", "backup-attempt-failed",
                         "backup-extension-state"},
        .only_next_backup_proves = true,
        .diagnose_for = diagnose,
        .fix = restart_writer_services,
    };
}

}  // namespace remediations::causes::vss_writer_failed
