#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "remediations/knowledge/extension/last_run.hpp"
#include "remediations/knowledge/extension/vss_suspicion.hpp"
#include "remediations/knowledge/snapshot/vss_writers.hpp"
#include "remediations/knowledge/windows/service_findings.hpp"

namespace remediations::causes::vss_writers_not_reached {

using machine::Machine;

namespace {

/// VSS_E_UNEXPECTED_WRITER_ERROR, VSS_E_WRITER_INFRASTRUCTURE.
constexpr std::uint32_t not_reached[] = {0x80042315, 0x80042318};

/// 19, 38: EventSystem or COMSysApp is disabled; 20: safe mode, or a part of VSS is not registered; 21: the database of
/// COM+ is damaged; 12291, 12302: COM+ could not be used, or contradicts itself; 12347: the Registry Writer did not
/// answer.
constexpr std::uint32_t not_registered = 20;
EventPattern no_way_to_writers() {
    return {"Application", "VSS", {19, not_registered, 21, 38, 12291, 12302, 12347}};
}

/// Returns true for an event with a class id: it is about that class, and other causes report it.
bool is_about_a_class(const machine::Event& event) {
    return event.id == not_registered && !guids_in(text_of(event)).empty();
}

/// Services that a call from VSS to a writer needs.
constexpr std::array services = {"RpcSs", "RpcEptMapper", "DcomLaunch", "EventSystem", "SENS",
                                 "SamSs", "COMSysApp",    "CryptSvc",   "VSS",         "swprv"};

Finding diagnose(const Machine& machine) {
    const auto& last = machine.derived<LastRun>();
    const auto* event =
        newest_current(machine, no_way_to_writers(), [](const auto& each) { return !is_about_a_class(each); });
    const bool is_named_in_log = last.is_failure() && std::ranges::any_of(not_reached, [&](auto code) {
                                     return names_code(last.failure_text(), code);
                                 });
    if (event == nullptr && !is_named_in_log) return Finding::healthy("VSS reached its writers.");
    std::vector<Evidence> evidence;
    if (event) evidence.push_back(evidence_of(*event, "no trouble on the way to the writers"));
    if (is_named_in_log) evidence.insert(evidence.end(), last.evidence().begin(), last.evidence().end());
    std::vector<std::string> disabled;
    for (const auto* name : services) {
        const auto service = machine.services().find(name);
        if (!service || service->start != machine::StartType::disabled) continue;
        evidence.push_back({fmt::format("service {}", name), describe(*service), "not disabled"});
        disabled.emplace_back(name);
    }
    auto finding = Finding::needs_operator(
        "VSS could not reach its writers: sending events to them failed.", std::move(evidence),
        disabled.empty()
            ? std::string(
                  "See that the services on the way have the start types that Windows gives them (EventSystem, SENS, "
                  "RpcSs, DcomLaunch, SamSs and CryptSvc automatic; COMSysApp, VSS and swprv manual): scripts that "
                  "\"tweak\" or harden Windows change them. Then restart the COM+ Event System and the Volume Shadow "
                  "Copy service, and look at vssadmin list writers. If that does not help: DISM /Online /Cleanup-Image "
                  "/RestoreHealth.")
            : fmt::format(
                  "Switch these services on again: {} (EventSystem, SENS, RpcSs, DcomLaunch, SamSs and CryptSvc "
                  "start automatically; COMSysApp, VSS and swprv manually). Find the script or policy that "
                  "disabled them.",
                  fmt::join(disabled, ", ")));
    if (!event) finding.basis = Basis::last_run;
    const bool explains = is_named_in_log || last.end() != LastRun::End::succeeded;
    return explains ? finding : std::move(finding).as_risk();
}

}  // namespace

Remediation remediation() {
    return {
        .id = "vss-writers-not-reached",
        .title = "VSS cannot reach its writers",
        .layer = Layer::os_snapshot,
        .scope = Scope::windows,
        .error_codes = {"ExtensionFailedVssWriterInBadState", "ExtensionFailedVssServiceInBadState",
                        "ExtensionSnapshotFailed"},
        .explanation =
            "VSS calls its writers through the COM+ Event System. Where a service on the way is switched off or the "
            "subscriptions are damaged, the snapshot ends with 0x80042315 or 0x80042318, or VSS logs events 12291, "
            "12302 or 12347. Which part is to blame is not certain, so nothing is changed from here.",
        .source =
            "https://learn.microsoft.com/troubleshoot/windows-server/backup-and-storage/"
            "error-0x8000ffff-run-vssadmin-list-writers-command",
        .signals = {judged(no_way_to_writers())},
        .consequences = {"snapshot-without-threads", "backup-attempt-failed", "backup-extension-state"},
        .diagnose = diagnose,
    };
}

}  // namespace remediations::causes::vss_writers_not_reached
