#include "remediations/knowledge/snapshot/windows_service.hpp"
#include "remediations/knowledge/windows/service_findings.hpp"

namespace remediations::causes::event_system_service {

namespace {

constexpr WindowsService service{
    .name = "EventSystem", .display = "COM+ Event System", .why = "VSS cannot reach its writers"};

Finding diagnose(const machine::Machine& machine) {
    return diagnose_service(machine, service);
}

machine::Result<void> fix(const Finding&, Changes& changes) {
    return repair_service(service, changes);
}

}  // namespace

Remediation remediation() {
    return {
        .id = "event-system-service",
        .title = "The COM+ Event System is disabled or does not run",
        .layer = Layer::os_snapshot,
        .scope = Scope::windows,
        .error_codes = {"ExtensionSnapshotFailedCOM", "ExtensionInstallationFailedCOM",
                        "ExtensionInstallationFailedMDTC", "ExtensionFailedVssServiceInBadState",
                        "ExtensionFailedVssWriterInBadState", "VMRestorePointClientError"},
        .disruption = Disruption::service_restart,
        .explanation =
            "VSS tells its writers of a snapshot through COM+ events. Without this service no writer answers, and the "
            "COM+ System Application, on which the backup's VSS provider relies, does not start. The fix sets the "
            "start type back to automatic and starts it.",
        .source = "https://learn.microsoft.com/azure/backup/backup-azure-vms-troubleshoot",
        .signals = service_start_failures(service.name),
        .consequences = {"vss-writers-not-reached", "system-event-notification", "com-plus-service", "msdtc-damaged",
                         "vss-service", "vss-writer-missing", "vss-writer-failed", "provider-flags",
                         "backup-attempt-failed", "backup-extension-state"},
        .diagnose = diagnose,
        .fix = fix,
    };
}

}  // namespace remediations::causes::event_system_service
