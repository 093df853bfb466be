#include "remediations/knowledge/snapshot/windows_service.hpp"
#include "remediations/knowledge/windows/service_findings.hpp"

namespace remediations::causes::management_instrumentation {

namespace {

constexpr WindowsService service{.name = "Winmgmt",
                                 .display = "Windows Management Instrumentation",
                                 .why = "the WMI Writer of VSS is missing, and the guest agent cannot work"};

Finding diagnose(const machine::Machine& machine) {
    return diagnose_service(machine, service);
}

machine::Result<void> fix(const Finding&, Changes& changes) {
    return repair_service(service, changes);
}

}  // namespace

Remediation remediation() {
    return {
        .id = "management-instrumentation",
        .title = "Windows Management Instrumentation is disabled or does not run",
        .layer = Layer::os_snapshot,
        .scope = Scope::windows,
        .error_codes = {"ExtensionFailedVssWriterInBadState", "ExtensionFailedVssServiceInBadState",
                        "ExtensionSnapshotFailed", "VMRestorePointClientError"},
        .disruption = Disruption::service_restart,
        .explanation =
            "The guest agent and VSS' WMI Writer need this service. The fix sets the start type back to automatic and "
            "starts it. Its repository is not touched.",
        .source = "https://learn.microsoft.com/troubleshoot/azure/virtual-machines/windows/windows-azure-guest-agent",
        .signals = service_start_failures(service.name),
        .consequences = {"vss-writer-missing", "vss-writer-failed", "backup-attempt-failed", "backup-extension-state"},
        .diagnose = diagnose,
        .fix = fix,
    };
}

}  // namespace remediations::causes::management_instrumentation
