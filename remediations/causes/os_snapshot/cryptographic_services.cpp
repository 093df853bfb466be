#include "remediations/knowledge/snapshot/windows_service.hpp"
#include "remediations/knowledge/windows/service_findings.hpp"

namespace remediations::causes::cryptographic_services {

namespace {

constexpr WindowsService service{
    .name = "CryptSvc", .display = "Cryptographic Services", .why = "the System Writer of VSS is missing"};

Finding diagnose(const machine::Machine& machine) {
    return diagnose_service(machine, service);
}

machine::Result<void> fix(const Finding&, Changes& changes) {
    return repair_service(service, changes);
}

}  // namespace

Remediation remediation() {
    return {
        .id = "cryptographic-services",
        .title = "Cryptographic Services are disabled or do not run",
        .layer = Layer::os_snapshot,
        .scope = Scope::windows,
        .error_codes = {"ExtensionFailedVssWriterInBadState", "ExtensionFailedVssServiceInBadState",
                        "ExtensionSnapshotFailed", "VMRestorePointClientError"},
        .disruption = Disruption::service_restart,
        .explanation =
            "This service is the home of the System Writer, without which a snapshot of Windows' own volume is not "
            "consistent. It also verifies signatures for Windows Installer. The fix sets the start type back to "
            "automatic and starts it.",
        .source = "https://learn.microsoft.com/azure/backup/backup-azure-vms-troubleshoot",
        .signals = service_start_failures(service.name),
        .consequences = {"vss-writers-not-reached", "vss-writer-missing", "vss-writer-failed", "backup-attempt-failed",
                         "backup-extension-state"},
        .diagnose = diagnose,
        .fix = fix,
    };
}

}  // namespace remediations::causes::cryptographic_services
