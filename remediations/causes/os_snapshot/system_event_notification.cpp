#include "remediations/knowledge/snapshot/windows_service.hpp"
#include "remediations/knowledge/windows/service_findings.hpp"

namespace remediations::causes::system_event_notification {

namespace {

constexpr WindowsService service{.name = "SENS",
                                 .display = "System Event Notification Service",
                                 .why = "the COM+ System Application, which depends on it, does not start"};

Finding diagnose(const machine::Machine& machine) {
    return diagnose_service(machine, service);
}

machine::Result<void> fix(const Finding&, Changes& changes) {
    return repair_service(service, changes);
}

}  // namespace

Remediation remediation() {
    return {
        .id = "system-event-notification",
        .title = "The System Event Notification Service is disabled or does not run",
        .layer = Layer::os_snapshot,
        .scope = Scope::windows,
        .error_codes = {"ExtensionSnapshotFailedCOM", "ExtensionInstallationFailedCOM",
                        "ExtensionInstallationFailedMDTC", "ExtensionFailedVssServiceInBadState",
                        "ExtensionFailedVssWriterInBadState", "VMRestorePointClientError"},
        .disruption = Disruption::service_restart,
        .explanation =
            "The COM+ System Application depends on this service; without it the backup's VSS provider can neither be "
            "installed nor run. The fix sets the start type back to automatic and starts it.",
        .source = "https://learn.microsoft.com/azure/backup/backup-azure-vms-troubleshoot",
        .signals = service_start_failures(service.name),
        .consequences = {"vss-writers-not-reached", "com-plus-service", "msdtc-damaged", "vss-writer-missing",
                         "provider-flags", "backup-attempt-failed", "backup-extension-state"},
        .diagnose = diagnose,
        .fix = fix,
    };
}

}  // namespace remediations::causes::system_event_notification
