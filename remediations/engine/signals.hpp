#pragma once

#include <vector>

#include "remediations/model/remediation.hpp"

namespace remediations {

/// Returns the lines of logs and the events of Windows that the remediations of the catalogue look for.
std::vector<LogPattern> log_patterns_of_catalogue();
std::vector<EventPattern> event_patterns_of_catalogue();

/// Makes LogEvidence and EventEvidence of this machine search for these lines and events. So the readers of logs and
/// events know no remediation, and nothing below the engine depends on the catalogue.
void search_for_signals_of_catalogue(machine::Machine& machine);

}  // namespace remediations
