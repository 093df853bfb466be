#pragma once

#include <string_view>
#include <vector>

#include "remediations/knowledge/logs/event_evidence.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations {

/// Returns true for an error code with which Azure Backup reports that VSS failed.
bool is_vss_code(std::string_view error_code);

/// Returns true if something points to VSS, so that it is worth to wait up to minutes for its writers: the run names
/// the remediation, the error code is one of VSS, the newest backup failed within VSS, or VSS logged a failure. False
/// while a backup runs, because its writers are at work.
bool vss_is_suspect(const machine::Machine& machine, const Question& question);

/// Returns the events that vss_is_suspect() asks EventEvidence for.
std::vector<EventPattern> vss_suspicion_events();

/// Returns the newest event of `pattern` that still explains something (LastRun::Bearing::current) and for which
/// `is_wanted` returns true; nullptr where there is none.
const machine::Event* newest_current(const machine::Machine& machine, const EventPattern& pattern,
                                     const std::function<bool(const machine::Event&)>& is_wanted = {});

/// Returns all insertion strings, one per line.
std::string text_of(const machine::Event& event);

}  // namespace remediations
