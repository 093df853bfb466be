#include <fmt/format.h>

#include "remediations/changes/changes.hpp"
#include "remediations/knowledge/snapshot/transaction_services.hpp"
#include "remediations/knowledge/windows/service_findings.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::com_plus_service {

namespace {

Finding diagnose(const machine::Machine& machine) {
    const auto where = std::string("service ") + com_plus;
    const auto service = machine.services().find(com_plus);
    if (!service && service.error().kind == machine::ErrorKind::not_found) {
        return windows_service_missing(com_plus, "The COM+ System Application");
    }
    if (!service) return Finding::unknown(where, service.error());
    std::vector<Evidence> evidence{{where, describe(*service), "running, or stopped without an error; not disabled"}};
    if (service->start == machine::StartType::disabled) {
        return Finding::broken(
                   "The COM+ System Application is disabled, so the backup's VSS provider cannot be installed.",
                   std::move(evidence),
                   fmt::format("Find out who disabled it. To enable it: {}.",
                               enable_command(com_plus, machine::StartType::manual, true)))
            .as_security_change();
    }
    if (failed_to_start(*service)) {
        return Finding::broken(fmt::format("The COM+ System Application does not start: error {}.", service->exit_code),
                               std::move(evidence), "Start it, and look at MSDTC, on which it relies.");
    }
    const bool hangs =
        service->state == machine::ServiceState::starting || service->state == machine::ServiceState::stopping;
    if (hangs) {
        return Finding::broken("The COM+ System Application hangs while it starts or stops.", std::move(evidence),
                               "Wait a few minutes; if it still hangs, restart Windows.");
    }
    return Finding::healthy("The COM+ System Application can be started.", std::move(evidence));
}

machine::Result<void> fix(const Finding&, Changes& changes) {
    const auto service = changes.machine().services().find(com_plus);
    if (!service) return service.error();
    if (service->start == machine::StartType::disabled) {
        if (auto set = changes.set_service_start(com_plus, machine::StartType::manual); !set) return set;
    }
    return changes.start_service(com_plus);
}

}  // namespace

Remediation remediation() {
    return {
        .id = "com-plus-service",
        .title = "The COM+ System Application is disabled or does not start",
        .layer = Layer::os_snapshot,
        .scope = Scope::windows,
        .error_codes = {"ExtensionSnapshotFailedCOM", "ExtensionInstallationFailedCOM", "VMRestorePointClientError"},
        .disruption = Disruption::service_restart,
        .explanation =
            "The backup's VSS provider is a COM+ application: without COMSysApp it can neither be installed nor run. "
            "The service starts on demand, so stopped alone is normal; disabled, or stopped with an error, is not. The "
            "fix sets the start type back to manual and starts it.",
        .source = "https://learn.microsoft.com/azure/backup/backup-azure-vms-troubleshoot",
        .signals = service_start_failures(com_plus),
        .consequences = {"vss-writers-not-reached", "backup-attempt-failed", "backup-extension-state"},
        .diagnose = diagnose,
        .fix = fix,
    };
}

}  // namespace remediations::causes::com_plus_service
