#include "remediations/knowledge/snapshot/vss_writer_state.hpp"

namespace remediations::causes::vss_writer_of_service_failed {

namespace {

Finding diagnose(const machine::Machine& machine, const Question& question) {
    return diagnose_writers(machine, question, WriterService::brief);
}

}  // namespace

Remediation remediation() {
    return {
        .id = "vss-writer-of-service-failed",
        .title = "A VSS writer has failed whose service's restart is felt",
        .layer = Layer::os_snapshot,
        .scope = Scope::windows,
        .error_codes = {"ExtensionFailedVssWriterInBadState", "ExtensionSnapshotFailed", "VMRestorePointClientError"},
        .disruption = Disruption::workload,
        .explanation =
            "The writers of WMI, IIS' configuration, SQL Server, the file server resource manager, Hyper-V and others "
            "live in services whose restart takes a function away for a moment. The fix restarts them, with those that "
            "depend on them, where the settings allow workload disruption. A database engine is never restarted: "
            "SQLWriter is a service of its own.",
        .source = "https://learn.microsoft.com/azure/backup/backup-azure-vms-troubleshoot",
        .consequences = {"vss-writer-refused", "snapshot-without-threads", "backup-attempt-failed",
                         "backup-extension-state"},
        .only_next_backup_proves = true,
        .diagnose_for = diagnose,
        .fix = restart_writer_services,
    };
}

}  // namespace remediations::causes::vss_writer_of_service_failed
