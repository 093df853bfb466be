#pragma once

#include <vector>

#include "remediations/knowledge/logs/event_evidence.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations {

/// What tells that writers or disks did not come to rest in time, since the last good backup: events of VSS and
/// volsnap, codes in the extension's log. Empty where nothing does.
std::vector<Evidence> snapshot_timeouts(const machine::Machine& machine);

/// What snapshot_timeouts asks EventEvidence for.
std::vector<EventPattern> snapshot_timeout_events();

}  // namespace remediations
