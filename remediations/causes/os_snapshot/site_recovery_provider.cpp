#include <fmt/format.h>

#include <algorithm>

#include "remediations/changes/changes.hpp"
#include "remediations/knowledge/extension/last_run.hpp"
#include "remediations/knowledge/extension/vss_suspicion.hpp"
#include "remediations/knowledge/snapshot/vss_providers.hpp"
#include "remediations/knowledge/snapshot/vss_writers.hpp"
#include "remediations/knowledge/windows/service_findings.hpp"

namespace remediations::causes::site_recovery_provider {

using machine::Machine;

namespace {

constexpr auto provider_service = "Azure Site Recovery VSS Provider";

EventPattern provider_failures() {
    return {"Application", "VSS", {11, 12292, 12293}};
}

const machine::Event* failure_of(const Machine& machine, const VssProvider& provider) {
    return newest_current(machine, provider_failures(), [&](const auto& event) {
        const auto named = guids_in(text_of(event));
        return std::ranges::any_of(named, [&](const auto& id) { return id == provider.id || id == provider.class_id; });
    });
}

/// A stopped service is normal: it runs on demand.
Finding diagnose(const Machine& machine) {
    const auto providers = vss_providers(machine);
    if (!providers) return Finding::unknown("the snapshot providers of VSS", providers.error());
    const auto found = std::ranges::find_if(*providers, is_of_site_recovery);
    if (found == providers->end()) return Finding::not_applicable("VSS has no provider of Azure Site Recovery.");
    const auto where = fmt::format("service {}", provider_service);
    std::vector<Evidence> evidence{
        {found->key, fmt::format("{} {}, {}", found->name, found->id, found->library), "a provider that works"}};
    const auto* event = failure_of(machine, *found);
    if (event) evidence.push_back(evidence_of(*event, "no failure of a provider"));
    const auto weighed = [&](Finding finding) {
        const bool explains = event != nullptr || machine.derived<LastRun>().is_failure();
        return explains ? finding : std::move(finding).as_risk();
    };
    const auto service = machine.services().find(provider_service);
    if (!service && service.error().kind != machine::ErrorKind::not_found) {
        return Finding::unknown(where, service.error());
    }
    if (!service || is_leftover(*found)) {
        evidence.push_back({service ? std::string(found->library) : where, "missing", "installed"});
        return weighed(Finding::needs_operator(
            "The VSS provider of Azure Site Recovery is registered, but its program or service is gone.",
            std::move(evidence),
            "Install it again: in the folder of Site Recovery's mobility service run InMageVSSProvider_Uninstall.cmd, "
            "then InMageVSSProvider_Install.cmd, as administrator. Where the VM is not replicated any more, the first "
            "alone."));
    }
    evidence.push_back({where, describe(*service), "not disabled; running, or stopped without an error"});
    if (service->start == machine::StartType::disabled) {
        return weighed(Finding::broken(
            "The VSS provider of Azure Site Recovery is registered, but its service is disabled.", std::move(evidence),
            fmt::format("Set the start type of the service {} to automatic. Find out who disabled it, mostly a script "
                        "or a group policy. Do not uninstall it while the VM is replicated.",
                        provider_service)));
    }
    // A service that was disabled then, and is not now, has not failed yet.
    const bool runs = service->state == machine::ServiceState::running;
    if (failed_to_start(*service) || (event != nullptr && runs)) {
        return weighed(Finding::needs_operator(
            "The VSS provider of Azure Site Recovery fails.", std::move(evidence),
            fmt::format("Restart the service {} and VSS, then update Site Recovery's mobility service on this VM.",
                        provider_service)));
    }
    return Finding::healthy("The VSS provider of Azure Site Recovery is in order.", std::move(evidence));
}

machine::Result<void> fix(const Finding&, Changes& changes) {
    return changes.set_service_start(provider_service, machine::StartType::automatic);
}

}  // namespace

Remediation remediation() {
    return {
        .id = "site-recovery-provider",
        .title = "The VSS provider of Azure Site Recovery is disabled or fails",
        .layer = Layer::os_snapshot,
        .scope = Scope::windows,
        .error_codes = {"ExtensionFailedVssServiceInBadState", "ExtensionFailedVssWriterInBadState",
                        "ExtensionSnapshotFailed"},
        .disruption = Disruption::service_restart,
        .explanation =
            "A VM that is replicated by Azure Site Recovery has a VSS provider of it, a service of its own. VSS asks "
            "every registered provider at each snapshot; one whose service is disabled makes the snapshot fail "
            "(0x80070422, 0x80042306). The fix sets the start type back to automatic, as Site Recovery installs it.",
        .source = "https://learn.microsoft.com/azure/site-recovery/vmware-azure-troubleshoot-replication",
        .signals = {judged(provider_failures())},
        .consequences = {"other-vss-provider", "vss-writer-missing", "backup-attempt-failed", "backup-extension-state"},
        .diagnose = diagnose,
        .fix = fix,
    };
}

}  // namespace remediations::causes::site_recovery_provider
