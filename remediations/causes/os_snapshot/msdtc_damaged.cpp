#include <fmt/format.h>

#include "remediations/changes/changes.hpp"
#include "remediations/knowledge/extension/last_run.hpp"
#include "remediations/knowledge/logs/event_evidence.hpp"
#include "remediations/knowledge/snapshot/transaction_services.hpp"
#include "remediations/knowledge/windows/service_findings.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::msdtc_damaged {

namespace {

constexpr auto security_key = R"(HKLM\SOFTWARE\Microsoft\MSDTC\Security)";
constexpr auto configuration_key = R"(HKLM\SOFTWARE\Microsoft\MSDTC)";
/// XACT_E_UNABLE_TO_READ_DTC_CONFIG.
constexpr std::uint32_t configuration_unreadable = 0x8004D027;
constexpr auto tool_timeout = std::chrono::minutes(2);

machine::Path msdtc_tool(const machine::Machine& machine) {
    return machine.facts().system_drive + R"(\Windows\System32\msdtc.exe)";
}

constexpr auto new_log_action =
    "Make a new log (msdtc -resetlog) and start MSDTC. The old log is gone: transactions that were in doubt are lost.";

constexpr auto action =
    "Reinstall MSDTC (msdtc -uninstall, msdtc -install). Its log goes: transactions that are in doubt are lost. Not on "
    "a cluster node.";

Finding diagnose(const machine::Machine& machine) {
    const auto where = std::string("service ") + msdtc;
    const auto service = machine.services().find(msdtc);
    if (!service && service.error().kind == machine::ErrorKind::not_found) {
        return Finding::broken("The Distributed Transaction Coordinator is not installed.",
                               {{where, "not installed", "installed"}}, action);
    }
    if (!service) return Finding::unknown(where, service.error());
    std::vector<Evidence> evidence{{where, describe(*service), "running, or stopped without an error"}};
    if (service->account != network_service_sid || service->start == machine::StartType::disabled) {
        return Finding::not_applicable(
            "MSDTC is disabled or has the wrong account; only without that can more be said.");
    }
    if (failed_to_start(*service)) {
        if (const auto* event = missing_transaction_log(machine)) {
            evidence.push_back(evidence_of(*event, "the log file is there"));
            return Finding::broken("The Distributed Transaction Coordinator does not start: its log file is missing.",
                                   std::move(evidence), new_log_action);
        }
        return Finding::broken(
            fmt::format("The Distributed Transaction Coordinator does not start: error {}.", service->exit_code),
            std::move(evidence), action);
    }
    const auto com = machine.services().find(com_plus);
    if (com && com->start != machine::StartType::disabled && failed_to_start(*com)) {
        evidence.push_back(
            {std::string("service ") + com_plus, describe(*com), "running, or stopped without an error"});
        // Only a suspicion: what else COM+ needs may be damaged as well.
        return Finding::broken(
                   fmt::format(
                       "The COM+ System Application does not start (error {}) although MSDTC has the right account.",
                       com->exit_code),
                   std::move(evidence), action)
            .as_risk();
    }
    const auto& last = machine.derived<LastRun>();
    if (last.is_failure() && names_code(last.failure_text(), configuration_unreadable)) {
        evidence.insert(evidence.end(), last.evidence().begin(), last.evidence().end());
        // The service runs, so only the next backup could show that a new installation helped.
        auto finding = Finding::needs_operator(
            "The Distributed Transaction Coordinator cannot read its configuration (0x8004D027).", std::move(evidence),
            fmt::format("Export {} and see that Network Service may read it. If it may: {}", configuration_key,
                        action));
        finding.basis = Basis::last_run;
        return finding;
    }
    return Finding::healthy("The Distributed Transaction Coordinator can be started.", std::move(evidence));
}

/// On a cluster node MSDTC is a resource of the cluster and has a log of its own.
Finding diagnose_apart_from_clusters(const machine::Machine& machine) {
    auto finding = diagnose(machine);
    const auto cluster = machine.services().find("ClusSvc");
    const bool is_node = cluster && cluster->start != machine::StartType::disabled;
    if (finding.state != State::broken || !is_node) return finding;
    finding.evidence.push_back({"service ClusSvc", describe(*cluster), "not there"});
    return Finding::needs_operator(std::move(finding.summary), std::move(finding.evidence),
                                   "This VM is a cluster node: repair MSDTC with the cluster's tools.");
}

/// Returns the network-access settings, which an administrator may have changed; -install resets them to defaults.
machine::Result<std::vector<std::pair<std::string, machine::RegistryValue>>> security_settings(
    const machine::Machine& machine) {
    std::vector<std::pair<std::string, machine::RegistryValue>> settings;
    const auto names = machine.registry().value_names(security_key);
    if (!names && names.error().kind == machine::ErrorKind::not_found) return settings;
    if (!names) return names.error();
    for (const auto& name : *names) {
        auto value = machine.registry().value(security_key, name);
        if (!value) return value.error();
        settings.emplace_back(name, std::move(*value));
    }
    return settings;
}

machine::Result<void> start_services(Changes& changes) {
    if (auto started = changes.start_service(msdtc); !started) return started;
    const auto com = changes.machine().services().find(com_plus);
    const bool can_start = com && com->start != machine::StartType::disabled;
    return can_start ? changes.start_service(com_plus) : machine::Result<void>();
}

machine::Result<void> make_new_log(Changes& changes) {
    const auto made =
        changes.run_tool({msdtc_tool(changes.machine()), {"-resetlog"}, tool_timeout}, "makes a new log of MSDTC");
    return made ? start_services(changes) : made;
}

machine::Result<void> fix(const Finding&, Changes& changes) {
    if (changes.machine().services().find(msdtc) && missing_transaction_log(changes.machine())) {
        return make_new_log(changes);
    }
    const auto settings = security_settings(changes.machine());
    if (!settings) return settings.error();
    for (const auto& [name, value] : *settings) {
        if (auto kept = changes.keep_registry_value(security_key, name); !kept) return kept;
    }
    const auto tool = msdtc_tool(changes.machine());
    if (changes.machine().services().find(msdtc)) {
        if (auto stopped = changes.stop_service(msdtc); !stopped) return stopped;
        auto removed = changes.run_tool({tool, {"-uninstall"}, tool_timeout}, "removes MSDTC and its log");
        if (!removed) return removed;
    }
    auto installed = changes.run_tool({tool, {"-install"}, tool_timeout}, "installs MSDTC");
    if (!installed) return installed;
    for (const auto& [name, value] : *settings) {
        if (auto put_back = changes.set_registry_value(security_key, name, value); !put_back) return put_back;
    }
    return start_services(changes);
}

/// Events 4102, 4112, 4191: its transaction manager could not start.
std::vector<Signal> proofs() {
    std::vector<Signal> all;
    for (const auto* channel : {"Application", "System"}) {
        for (const auto* provider : {"Microsoft-Windows-MSDTC", "Microsoft-Windows-MSDTC 2", "MSDTC"}) {
            all.push_back(proof({channel, provider, {4102, 4112, 4191}}));
        }
    }
    return all;
}

}  // namespace

Remediation remediation() {
    return {
        .id = "msdtc-damaged",
        .title = "Distributed Transaction Coordinator is missing, damaged or does not start",
        .layer = Layer::os_snapshot,
        .scope = Scope::windows,
        .error_codes = {"ExtensionSnapshotFailedCOM", "ExtensionInstallationFailedCOM",
                        "ExtensionInstallationFailedMDTC"},
        .disruption = Disruption::workload,
        .explanation =
            "When MSDTC still fails, cannot read its configuration (0x8004D027), or COM+ still fails with it, under "
            "the right account, it has to be installed anew. Where only its log file is missing (event 4163), a new "
            "one is made. A new installation deletes the log, so transactions in doubt are lost: it is done only when "
            "the settings allow workload disruption. The network-access settings under MSDTC\\Security are put back "
            "afterwards.",
        .source = "https://learn.microsoft.com/azure/backup/backup-azure-vms-troubleshoot",
        .signals = joined({all_judged(missing_transaction_log_events()), proofs()}),
        .consequences = {"com-plus-service", "com-plus-coordinator", "backup-attempt-failed", "backup-extension-state"},
        .diagnose = diagnose_apart_from_clusters,
        .fix = fix,
    };
}

}  // namespace remediations::causes::msdtc_damaged
