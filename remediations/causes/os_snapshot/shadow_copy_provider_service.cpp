#include "remediations/knowledge/snapshot/windows_service.hpp"
#include "remediations/knowledge/windows/service_findings.hpp"

namespace remediations::causes::shadow_copy_provider_service {

namespace {

constexpr WindowsService service{.name = "swprv",
                                 .display = "Microsoft Software Shadow Copy Provider",
                                 .start = machine::StartType::manual,
                                 .runs_always = false,
                                 .why = "VSS cannot create shadow copies"};

Finding diagnose(const machine::Machine& machine) {
    return diagnose_service(machine, service);
}

machine::Result<void> fix(const Finding&, Changes& changes) {
    return repair_service(service, changes);
}

/// VSS could not create the provider's COM class, because its service is disabled.
std::vector<Signal> proofs() {
    auto all = service_start_failures(service.name);
    all.push_back({.role = Role::proof,
                   .event = {"Application", "VSS", {11, 13, 12292}},
                   .with = {"65ee1dba-8ff4-4a58-ac1c-3470ee2f376a", "0x80070422"}});
    return all;
}

}  // namespace

Remediation remediation() {
    return {
        .id = "shadow-copy-provider-service",
        .title = "The Microsoft Software Shadow Copy Provider is disabled, failed or hangs",
        .layer = Layer::os_snapshot,
        .scope = Scope::windows,
        .error_codes = {"ExtensionFailedVssServiceInBadState", "ExtensionSnapshotFailed", "VMRestorePointClientError",
                        "ExtensionFailedVssWriterInBadState"},
        .disruption = Disruption::service_restart,
        .explanation =
            "VSS asks all its providers when a snapshot begins, and this is the one of Windows. It starts on demand, "
            "so stopped alone is normal. The fix sets a disabled one back to manual and starts one that failed.",
        .source =
            "https://learn.microsoft.com/troubleshoot/windows-server/backup-and-storage/backup-fails-event-12292-11",
        .signals = proofs(),
        .consequences = {"vss-writers-not-reached", "vss-writer-missing", "vss-writer-failed", "snapshot-set-open",
                         "backup-attempt-failed", "backup-extension-state"},
        .diagnose = diagnose,
        .fix = fix,
    };
}

}  // namespace remediations::causes::shadow_copy_provider_service
