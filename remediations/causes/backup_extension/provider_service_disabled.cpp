#include <fmt/format.h>

#include "remediations/changes/changes.hpp"
#include "remediations/knowledge/windows/service_findings.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::provider_service_disabled {

namespace {

constexpr auto provider_service = "IaasVmProvider";

Finding diagnose(const machine::Machine& machine) {
    const auto where = std::string("service ") + provider_service;
    const auto service = machine.services().find(provider_service);
    if (!service && service.error().kind == machine::ErrorKind::not_found) {
        return Finding::not_applicable("The backup's VSS provider is not installed; the first backup brings it.");
    }
    if (!service) return Finding::unknown(where, service.error());
    std::vector<Evidence> evidence{{where, describe(*service), "start type automatic; stopped between backups"}};
    if (service->start == machine::StartType::disabled) {
        return Finding::broken(
            "The backup's VSS provider is disabled, so no snapshot can be taken with it.", std::move(evidence),
            fmt::format("Set the start type of {} to automatic. Find out who disabled it.", provider_service));
    }
    return Finding::healthy("The backup's VSS provider can be started.", std::move(evidence));
}

machine::Result<void> fix(const Finding&, Changes& changes) {
    return changes.set_service_start(provider_service, machine::StartType::automatic);
}

}  // namespace

Remediation remediation() {
    return {
        .id = "provider-service-disabled",
        .title = "The backup's VSS provider is disabled",
        .layer = Layer::backup_extension,
        .scope = Scope::windows,
        .error_codes = {"ExtensionSnapshotFailedCOM", "GuestAgentSnapshotTaskStatusError", "BackUpOperationFailed",
                        "BackUpOperationFailedV2"},
        .disruption = Disruption::none,
        .explanation =
            "The extension registers a service of its own, IaasVmProvider, as a provider of snapshots. It comes with "
            "the first backup and is stopped between backups; disabled it cannot run. The fix sets its start type back "
            "to automatic, as Azure Backup does.",
        .source = "https://learn.microsoft.com/azure/backup/backup-azure-troubleshoot-vm-backup-fails-snapshot-timeout",
        .signals = service_start_failures(provider_service),
        .consequences = {"provider-flags", "backup-attempt-failed", "backup-extension-state"},
        .diagnose = diagnose,
        .fix = fix,
    };
}

}  // namespace remediations::causes::provider_service_disabled
