#include "remediations/knowledge/snapshot/snapshot_timeouts.hpp"

#include <algorithm>
#include <array>

#include "remediations/knowledge/extension/last_run.hpp"
#include "remediations/knowledge/extension/vss_suspicion.hpp"

namespace remediations {

namespace {

/// Flushing, holding or committing took too long.
EventPattern held_too_long() {
    return {"Application", "VSS", {12297, 12298, 12310}};
}
/// 8: flush and hold timed out; 9: the snapshot could not be prepared in time.
EventPattern volumes_too_slow() {
    return {"System", "volsnap", {8, 9}};
}

/// VSS_E_FLUSH_WRITES_TIMEOUT, VSS_E_HOLD_WRITES_TIMEOUT, VSS_E_WRITERERROR_TIMEOUT.
constexpr std::array<std::uint32_t, 3> timeouts = {0x80042313, 0x80042314, 0x800423F2};

}  // namespace

std::vector<Evidence> snapshot_timeouts(const machine::Machine& machine) {
    std::vector<Evidence> evidence;
    for (const auto& pattern : snapshot_timeout_events()) {
        if (const auto* event = newest_current(machine, pattern)) {
            evidence.push_back(evidence_of(*event, "a snapshot within its time limits"));
        }
    }
    const auto& last = machine.derived<LastRun>();
    const bool timed_out = last.is_failure() && std::ranges::any_of(timeouts, [&](auto code) {
                               return names_code(last.failure_text(), code);
                           });
    if (timed_out) evidence.insert(evidence.end(), last.evidence().begin(), last.evidence().end());
    return evidence;
}

std::vector<EventPattern> snapshot_timeout_events() {
    return {held_too_long(), volumes_too_slow()};
}

}  // namespace remediations
