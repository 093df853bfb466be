#include "remediations/knowledge/snapshot/vss_writer_state.hpp"

namespace remediations::causes::vss_writer_of_application_failed {

namespace {

Finding diagnose(const machine::Machine& machine, const Question& question) {
    return diagnose_writers(machine, question, WriterService::workload);
}

}  // namespace

Remediation remediation() {
    return {
        .id = "vss-writer-of-application-failed",
        .title = "The VSS writer of an application has failed",
        .layer = Layer::os_snapshot,
        .scope = Scope::windows,
        .error_codes = {"ExtensionFailedVssWriterInBadState", "ExtensionSnapshotFailed", "VMRestorePointClientError"},
        .explanation =
            "The writers of Active Directory, Exchange, DHCP, certificate services, clusters and of other vendors live "
            "in the workload itself. It is never restarted from here; the report names the writer and its service.",
        .source = "https://learn.microsoft.com/azure/backup/backup-azure-vms-troubleshoot",
        .consequences = {"vss-writer-refused", "snapshot-without-threads", "backup-attempt-failed",
                         "backup-extension-state"},
        .only_next_backup_proves = true,
        .diagnose_for = diagnose,
    };
}

}  // namespace remediations::causes::vss_writer_of_application_failed
