#include <fmt/format.h>

#include "remediations/changes/changes.hpp"
#include "remediations/knowledge/snapshot/transaction_services.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::msdtc_account {

namespace {

Finding diagnose(const machine::Machine& machine) {
    const auto where = std::string("service ") + msdtc;
    const auto service = machine.services().find(msdtc);
    if (!service && service.error().kind == machine::ErrorKind::not_found) {
        return Finding::not_applicable("MSDTC is not installed; msdtc-damaged speaks of that.");
    }
    if (!service) return Finding::unknown(where, service.error());
    std::vector<Evidence> evidence{
        {where, "account " + service->account, fmt::format("account {} (Network Service)", network_service_sid)}};
    if (service->account == network_service_sid) {
        return Finding::healthy("MSDTC runs as Network Service.", std::move(evidence));
    }
    return Finding::broken(
        fmt::format("MSDTC is set to run as {}, not as Network Service; COM+ cannot work with it.", service->account),
        std::move(evidence), "Set its account to Network Service, then restart it and the COM+ System Application.");
}

machine::Result<void> fix(const Finding&, Changes& changes) {
    if (auto set = changes.set_service_account(msdtc, network_service_sid); !set) return set;
    // The account is right now even if a service does not start: that is for the causes that follow.
    if (!changes.restart_service(msdtc)) return {};
    const auto com = changes.machine().services().find(com_plus);
    const bool can_restart = com && com->start != machine::StartType::disabled;
    if (can_restart) static_cast<void>(changes.restart_service(com_plus));
    return {};
}

}  // namespace

Remediation remediation() {
    return {
        .id = "msdtc-account",
        .title = "Distributed Transaction Coordinator does not run as Network Service",
        .layer = Layer::os_snapshot,
        .scope = Scope::windows,
        .error_codes = {"ExtensionSnapshotFailedCOM", "ExtensionInstallationFailedCOM",
                        "ExtensionInstallationFailedMDTC", "VMRestorePointClientError"},
        .disruption = Disruption::service_restart,
        .explanation =
            "MSDTC works under one account only, Network Service; under another one COM+ cannot enlist with it and the "
            "backup's provider fails. Accounts are compared by SID, because their names differ by language. The fix "
            "sets the account, restarts MSDTC and the COM+ System Application; distributed transactions in flight are "
            "aborted.",
        .source = "https://learn.microsoft.com/azure/backup/backup-azure-vms-troubleshoot",
        .consequences = {"com-plus-service", "com-plus-coordinator", "backup-attempt-failed", "backup-extension-state"},
        .diagnose = diagnose,
        .fix = fix,
    };
}

}  // namespace remediations::causes::msdtc_account
