#pragma once

#include <vector>

#include "remediations/knowledge/logs/event_evidence.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations {

/// Returns evidence, since the last good backup, that writers or disks did not become quiet in time: events of VSS and
/// volsnap, and codes in the extension's log. Empty where there is none.
std::vector<Evidence> snapshot_timeouts(const machine::Machine& machine);

/// Returns the events that snapshot_timeouts() asks EventEvidence for.
std::vector<EventPattern> snapshot_timeout_events();

}  // namespace remediations
