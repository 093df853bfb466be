#include <fmt/format.h>

#include <boost/algorithm/string/predicate.hpp>

#include "remediations/changes/changes.hpp"
#include "remediations/knowledge/extension/last_run.hpp"
#include "remediations/knowledge/extension/vss_suspicion.hpp"
#include "remediations/knowledge/snapshot/desktop_heap.hpp"
#include "remediations/knowledge/windows/registry_values.hpp"

namespace remediations::causes::desktop_heap {

namespace {

constexpr auto key = R"(HKLM\SYSTEM\CurrentControlSet\Control\Session Manager\SubSystems)";
constexpr auto value_name = "Windows";
constexpr auto code = "ExtensionInstallProviderCOMMemoryQuotaReached";
constexpr std::uint32_t enough = 4096;                  // KiB, as Microsoft advises for this code
constexpr std::uint32_t unexpected_error = 0x8000FFFF;  // E_UNEXPECTED

EventPattern com_errors() {
    return {"Application", "Microsoft-Windows-Complus", {4689}};
}
/// The provider's name on older systems.
EventPattern com_errors_by_old_name() {
    return {"Application", "COM+", {4689}};
}
EventPattern com_errors_by_oldest_name() {
    return {"Application", "Complus", {4689}};
}

Finding diagnose(const machine::Machine& machine, const Question& question) {
    const auto where = fmt::format("{}\\{}", key, value_name);
    const auto& last = machine.derived<LastRun>();
    const auto has_code = [](const machine::Event& event) { return names_code(text_of(event), unexpected_error); };
    const machine::Event* event = nullptr;
    for (const auto& pattern : {com_errors(), com_errors_by_old_name(), com_errors_by_oldest_name()}) {
        if (event == nullptr) event = newest_current(machine, pattern, has_code);
    }
    const bool is_told = boost::iequals(question.error_code, code);
    const bool provider_failed =
        is_told || (last.is_failure() && last.attempt() && last.attempt()->phase == BackupPhase::provider);
    if (event == nullptr || !provider_failed) {
        return Finding::healthy("Nothing points to a desktop heap that is too small for COM+.");
    }
    const auto value = registry_text(machine, key, value_name);
    if (!value) return Finding::unknown(where, value.error());
    const auto kib = service_desktop_heap(value->value_or(""));
    if (!kib) {
        return Finding::unknown(where, machine::Error::invalid(where + ": expected SharedSection=a,b,c"));
    }
    std::vector<Evidence> evidence{evidence_of(*event, "no COM+ failure with 0x8000FFFF"),
                                   {where, fmt::format("services have {} KiB", *kib), fmt::format("{} KiB", enough)}};
    evidence.insert(evidence.end(), last.evidence().begin(), last.evidence().end());
    if (*kib >= enough) {
        return Finding::healthy(
            "The desktop heap of services is large; a new size counts from the next start of the VM.",
            std::move(evidence));
    }
    return Finding::broken(
        "COM+ has no memory left because the desktop heap of services is too small.", std::move(evidence),
        fmt::format("Change the third number of SharedSection in {} to {}, nothing else in it, and restart the VM. A "
                    "damaged value keeps Windows from starting: have a snapshot of the disk first.",
                    where, enough));
}

machine::Result<void> fix(const Finding&, Changes& changes) {
    const auto value = changes.machine().registry().value(key, value_name);
    if (!value) return value.error();
    const auto* text = std::get_if<std::string>(&value->data);
    const auto changed = text ? with_service_desktop_heap(*text, enough) : std::nullopt;
    if (!changed) return machine::Error::invalid("expected SharedSection=a,b,c");
    return changes.set_registry_value(key, value_name, {value->type, *changed});
}

std::vector<Signal> proofs() {
    std::vector<Signal> all;
    for (const auto& pattern : {com_errors(), com_errors_by_old_name(), com_errors_by_oldest_name()}) {
        all.push_back({.role = Role::proof, .event = pattern, .with = {"0x8000ffff"}});
    }
    return all;
}

}  // namespace

Remediation remediation() {
    return {
        .id = "desktop-heap",
        .title = "The desktop heap of services is too small for COM+",
        .layer = Layer::os_snapshot,
        .scope = Scope::windows,
        .error_codes = {code, "ExtensionInstallationFailedCOM", "VMRestorePointClientError"},
        .disruption = Disruption::workload,
        .explanation =
            "Each service has a small desktop heap; where it is used up, COM+ fails with 0x8000FFFF (event 4689), the "
            "backup's provider cannot be installed, and a restart of the VM helps for a while. Only all of these "
            "together are taken for it. The fix changes one number in the registry, which counts from the next start "
            "of the VM.",
        .source = "https://learn.microsoft.com/azure/virtual-machines/restore-point-troubleshooting",
        .signals = joined(
            {{judged(com_errors()), judged(com_errors_by_old_name()), judged(com_errors_by_oldest_name())}, proofs()}),
        .consequences = {"com-plus-service", "provider-flags", "backup-attempt-failed", "backup-extension-state"},
        .diagnose_for = diagnose,
        .fix = fix,
    };
}

}  // namespace remediations::causes::desktop_heap
