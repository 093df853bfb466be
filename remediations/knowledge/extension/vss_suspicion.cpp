#include "remediations/knowledge/extension/vss_suspicion.hpp"

#include <algorithm>
#include <boost/algorithm/string/find.hpp>
#include <boost/algorithm/string/join.hpp>
#include <boost/algorithm/string/predicate.hpp>

#include "remediations/knowledge/extension/last_run.hpp"

namespace remediations {

using machine::Machine;

namespace {

/// 22: a COM class is missing; 8229: a writer refused; 12297, 12298, 12310: holding the writes took too long.
EventPattern failures_of_vss() {
    return {"Application", "VSS", {22, 8229, 12297, 12298, 12310}};
}

bool failed_within_vss(const LastRun& last) {
    if (!last.is_failure()) return false;
    const auto phase = last.attempt() ? last.attempt()->phase : BackupPhase::none;
    if (phase >= BackupPhase::writer_metadata && phase <= BackupPhase::backup_complete) return true;
    // VSS_E_... are 0x800423xx and 0x800424xx.
    constexpr std::string_view marks[] = {"0x800423", "0x800424", "VssWriter", "VSS_E_"};
    return std::ranges::any_of(
        marks, [&](const auto mark) { return !boost::algorithm::ifind_first(last.failure_text(), mark).empty(); });
}

bool vss_logged_a_failure(const Machine& machine) {
    const auto counts = [](const Failure& failure) {
        return failure.component == "VSS" && !failure.is_noise && failure.severity == Failure::Severity::error;
    };
    return std::ranges::any_of(machine.derived<EventEvidence>().failures(), counts);
}

}  // namespace

bool is_vss_code(std::string_view error_code) {
    constexpr std::string_view codes[] = {"ExtensionFailedVssWriterInBadState", "ExtensionFailedVssServiceInBadState",
                                          "ExtensionSnapshotFailed", "VMRestorePointClientError"};
    return std::ranges::any_of(codes, [&](auto code) { return boost::iequals(code, error_code); });
}

bool vss_is_suspect(const Machine& machine, const Question& question) {
    const auto& last = machine.derived<LastRun>();
    if (last.end() == LastRun::End::running) return false;
    return question.named || is_vss_code(question.error_code) || failed_within_vss(last) ||
           newest_current(machine, failures_of_vss()) != nullptr || vss_logged_a_failure(machine);
}

std::vector<EventPattern> vss_suspicion_events() {
    return {failures_of_vss()};
}

const machine::Event* newest_current(const Machine& machine, const EventPattern& pattern,
                                     const std::function<bool(const machine::Event&)>& is_wanted) {
    const auto& last = machine.derived<LastRun>();
    for (const auto* event : machine.derived<EventEvidence>().find(pattern)) {
        const bool counts = last.bearing_of(event->time) == LastRun::Bearing::current;
        if (counts && (!is_wanted || is_wanted(*event))) return event;
    }
    return nullptr;
}

std::string text_of(const machine::Event& event) {
    return boost::algorithm::join(event.data, "\n");
}

}  // namespace remediations
