#include "remediations/knowledge/snapshot/windows_service.hpp"
#include "remediations/knowledge/windows/service_findings.hpp"

namespace remediations::causes::vss_service {

namespace {

constexpr WindowsService service{.name = "VSS",
                                 .display = "Volume Shadow Copy",
                                 .start = machine::StartType::manual,
                                 .runs_always = false,
                                 .why = "no consistent snapshot can be taken"};

Finding diagnose(const machine::Machine& machine) {
    return diagnose_service(machine, service);
}

machine::Result<void> fix(const Finding&, Changes& changes) {
    return repair_service(service, changes);
}

/// Writers and requesters could not connect to the service's own COM class.
std::vector<Signal> proofs() {
    auto all = service_start_failures(service.name);
    all.push_back({.role = Role::proof,
                   .event = {"Application", "VSS", {13, 22}},
                   .with = {"e579ab5f-1cc4-44b4-bed9-de0991ff0623"}});
    return all;
}

}  // namespace

Remediation remediation() {
    return {
        .id = "vss-service",
        .title = "The Volume Shadow Copy service is disabled, failed or hangs",
        .layer = Layer::os_snapshot,
        .scope = Scope::windows,
        .error_codes = {"ExtensionFailedVssWriterInBadState", "ExtensionFailedVssServiceInBadState",
                        "ExtensionSnapshotFailed", "VMRestorePointClientError"},
        .disruption = Disruption::service_restart,
        .explanation =
            "Every snapshot goes through this service. It starts on demand and stops when idle, so stopped alone is "
            "normal; Azure Backup itself sets its start type to automatic. The fix sets a disabled one back to manual "
            "and restarts one that hangs; if it hangs on, only a restart of the VM helps.",
        .source = "https://learn.microsoft.com/azure/backup/backup-azure-vms-troubleshoot",
        .signals = proofs(),
        .consequences = {"vss-writers-not-reached", "vss-writer-missing", "vss-writer-failed", "snapshot-set-open",
                         "backup-attempt-failed", "backup-extension-state"},
        .diagnose = diagnose,
        .fix = fix,
    };
}

}  // namespace remediations::causes::vss_service
