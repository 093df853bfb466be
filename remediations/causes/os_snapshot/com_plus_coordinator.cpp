#include <fmt/format.h>

#include "remediations/knowledge/extension/last_run.hpp"
#include "remediations/knowledge/extension/vss_suspicion.hpp"
#include "remediations/knowledge/snapshot/transaction_services.hpp"
#include "remediations/knowledge/windows/registry_values.hpp"
#include "remediations/knowledge/windows/service_findings.hpp"

namespace remediations::causes::com_plus_coordinator {

using machine::Machine;

namespace {

/// CONTEXT_E_TMNOTAVAILABLE.
constexpr std::uint32_t no_coordinator = 0x8004E00F;
constexpr auto cluster_key = R"(HKLM\Cluster)";
constexpr auto cluster_service = "ClusSvc";

/// COM+ could not find the coordinator that it is configured to use.
EventPattern coordinator_not_reached(const char* provider) {
    return {"Application", provider, {4863}};
}
constexpr const char* com_plus_providers[] = {"Microsoft-Windows-Complus", "COM+", "Complus"};

const machine::Event* newest_event(const Machine& machine) {
    for (const auto* provider : com_plus_providers) {
        if (const auto* event = newest_current(machine, coordinator_not_reached(provider))) return event;
    }
    return nullptr;
}

/// Returns true if Windows is, or was, a node of a cluster, whose MSDTC would be used first.
bool knows_a_cluster(const Machine& machine, std::vector<Evidence>& evidence) {
    const auto service = machine.services().find(cluster_service);
    const bool has_key = registry_key_exists(machine, cluster_key).value_or(false);
    if (service) evidence.push_back({fmt::format("service {}", cluster_service), describe(*service), "not there"});
    if (has_key) evidence.push_back({cluster_key, "there", "not there"});
    return service.has_value() || has_key;
}

Finding diagnose(const Machine& machine) {
    const auto& last = machine.derived<LastRun>();
    const auto* event = newest_event(machine);
    const bool is_named_in_log = last.is_failure() && names_code(last.failure_text(), no_coordinator);
    if (event == nullptr && !is_named_in_log) return Finding::healthy("COM+ reached its transaction coordinator.");
    const auto where = fmt::format("service {}", msdtc);
    const auto service = machine.services().find(msdtc);
    if (!service && service.error().kind != machine::ErrorKind::not_found) {
        return Finding::unknown(where, service.error());
    }
    const bool is_well = service && service->state == machine::ServiceState::running &&
                         service->account == network_service_sid && service->start != machine::StartType::disabled;
    if (!is_well) {
        return Finding::not_applicable("MSDTC does not run as it should, which explains that COM+ cannot reach it.");
    }
    std::vector<Evidence> evidence{{where, describe(*service), "running as Network Service"}};
    if (event) evidence.push_back(evidence_of(*event, "no failure to reach the coordinator"));
    if (is_named_in_log) evidence.insert(evidence.end(), last.evidence().begin(), last.evidence().end());
    const bool has_cluster = knows_a_cluster(machine, evidence);
    auto finding = Finding::needs_operator(
        "COM+ cannot reach its transaction coordinator although MSDTC runs here: it is told to use another one, mostly "
        "that of a cluster or machine that is gone.",
        std::move(evidence),
        fmt::format(
            "In Component Services (dcomcnfg), My Computer, Properties, tab MSDTC: let it use the local "
            "coordinator.{} If it is the local one already, restart MSDTC and then COM+ System Application at a "
            "quiet time.",
            has_cluster ? " Windows still knows a cluster: where this VM is a node no more, remove what is left "
                          "of it (Clear-ClusterNode)."
                        : " Where it was a node of a cluster, remove what is left of that (Clear-ClusterNode)."));
    if (!event) finding.basis = Basis::last_run;
    return finding;
}

std::vector<EventPattern> events() {
    std::vector<EventPattern> all;
    for (const auto* provider : com_plus_providers) all.push_back(coordinator_not_reached(provider));
    return all;
}

}  // namespace

Remediation remediation() {
    return {
        .id = "com-plus-coordinator",
        .title = "COM+ is told to use a transaction coordinator that it cannot reach",
        .layer = Layer::os_snapshot,
        .scope = Scope::windows,
        .error_codes = {"ExtensionSnapshotFailedCOM", "ExtensionInstallationFailedCOM",
                        "ExtensionInstallationFailedMDTC"},
        .explanation =
            "COM+ asks the coordinator of its machine, but can be set to one elsewhere, and on a cluster node takes "
            "the cluster's first. When that is gone, every change of the COM+ catalogue fails with 0x8004E00F, and "
            "with it the backup's VSS provider, however well the local MSDTC is.",
        .source =
            "https://learn.microsoft.com/previous-versions/windows/it-pro/windows-server-2008-R2-and-2008/"
            "dd353849(v=ws.10)",
        .signals = all_judged(events()),
        .consequences = {"backup-attempt-failed", "backup-extension-state"},
        .diagnose = diagnose,
    };
}

}  // namespace remediations::causes::com_plus_coordinator
