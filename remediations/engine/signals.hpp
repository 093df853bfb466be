#pragma once

#include <string_view>
#include <vector>

#include "remediations/model/remediation.hpp"

namespace remediations {

/// Returns the lines of logs and the events of Windows that the remediations of the catalogue look for.
std::vector<LogPattern> log_patterns_of_catalogue();
std::vector<EventPattern> event_patterns_of_catalogue();

/// Returns the remediations that know a line of a log, or an event ("SQLWRITER 24583"): the line proves them, or they
/// look for the event. In the order of the catalogue.
std::vector<const Remediation*> remediations_for_signal(std::string_view text);

/// Makes LogEvidence and EventEvidence of this machine search for these lines and events. So the readers of logs and
/// events know no remediation, and nothing below the engine depends on the catalogue.
void search_for_signals_of_catalogue(machine::Machine& machine);

}  // namespace remediations
