#include <fmt/format.h>

#include "remediations/changes/changes.hpp"
#include "remediations/knowledge/snapshot/transaction_services.hpp"
#include "remediations/knowledge/windows/service_findings.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::msdtc_not_running {

namespace {

Finding diagnose(const machine::Machine& machine) {
    const auto where = std::string("service ") + msdtc;
    const auto service = machine.services().find(msdtc);
    if (!service && service.error().kind == machine::ErrorKind::not_found) {
        return Finding::not_applicable("MSDTC is not installed; msdtc-damaged speaks of that.");
    }
    if (!service) return Finding::unknown(where, service.error());
    std::vector<Evidence> evidence{{where, describe(*service), "running, or stopped without an error; not disabled"}};
    if (service->start == machine::StartType::disabled) {
        return Finding::broken("The Distributed Transaction Coordinator is disabled.", std::move(evidence),
                               fmt::format("Find out who disabled it. To enable it: {}.",
                                           enable_command(msdtc, machine::StartType::automatic, true)))
            .as_security_change();
    }
    if (failed_to_start(*service) && missing_transaction_log(machine)) {
        return Finding::not_applicable("MSDTC does not start without its log file; msdtc-damaged speaks of that.");
    }
    if (failed_to_start(*service)) {
        return Finding::broken(
            fmt::format("The Distributed Transaction Coordinator stopped with error {}.", service->exit_code),
            std::move(evidence), "Start it.");
    }
    return Finding::healthy("The Distributed Transaction Coordinator runs or can be started.", std::move(evidence));
}

machine::Result<void> fix(const Finding&, Changes& changes) {
    const auto service = changes.machine().services().find(msdtc);
    if (!service) return service.error();
    if (service->start == machine::StartType::disabled) {
        if (auto set = changes.set_service_start(msdtc, machine::StartType::automatic); !set) return set;
    }
    return changes.start_service(msdtc);
}

/// COM+ reports that MSDTC does not run (event 4691); the extension logs the codes for it: XACT_E_TMNOTAVAILABLE and
/// CONTEXT_E_TMNOTAVAILABLE.
std::vector<Signal> proofs() {
    auto all = service_start_failures(msdtc);
    for (const auto* provider : {"Microsoft-Windows-Complus", "COM+", "Complus"}) {
        all.push_back(proof({"Application", provider, {4691}}));
    }
    for (const auto* code : {"0x8004D01B", "0x8004E00F"}) {
        all.push_back({.role = Role::proof, .line = {Log::extension, code}, .heals_unsaid = true});
    }
    return all;
}

}  // namespace

Remediation remediation() {
    return {
        .id = "msdtc-not-running",
        .title = "Distributed Transaction Coordinator is disabled or stopped with an error",
        .layer = Layer::os_snapshot,
        .scope = Scope::windows,
        .error_codes = {"ExtensionSnapshotFailedCOM", "ExtensionInstallationFailedCOM",
                        "ExtensionInstallationFailedMDTC", "VMRestorePointClientError"},
        .disruption = Disruption::service_restart,
        .explanation =
            "COM+ enlists the backup's VSS provider with MSDTC, so MSDTC has to run when the provider is installed or "
            "used. The fix sets a disabled service back to automatic and starts it. Where it does not start, "
            "msdtc-damaged is next.",
        .source = "https://learn.microsoft.com/azure/backup/backup-azure-vms-troubleshoot",
        .signals = joined({all_judged(missing_transaction_log_events()), proofs()}),
        .consequences = {"com-plus-service", "com-plus-coordinator", "backup-attempt-failed", "backup-extension-state"},
        .diagnose = diagnose,
        .fix = fix,
    };
}

}  // namespace remediations::causes::msdtc_not_running
