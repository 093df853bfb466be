#pragma once

#include <string_view>
#include <vector>

#include "remediations/knowledge/logs/event_evidence.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations {

/// Codes with which Azure Backup says that VSS failed.
bool is_vss_code(std::string_view error_code);

/// Whether something points to VSS, so that waiting for its writers, for up to minutes, is worth it: the run's error
/// code, a newest backup that failed within VSS, or an event of VSS that such a failure writes. Never while a backup
/// runs, whose writers are just at work.
bool vss_is_suspect(const machine::Machine& machine, const Question& question);

/// What vss_is_suspect asks EventEvidence for.
std::vector<EventPattern> vss_suspicion_events();

/// The newest event among these that still explains something (LastRun::Bearing::current) and is wanted; nullptr where
/// there is none.
const machine::Event* newest_current(const machine::Machine& machine, const EventPattern& pattern,
                                     const std::function<bool(const machine::Event&)>& is_wanted = {});

/// All insertion strings, one a line.
std::string text_of(const machine::Event& event);

}  // namespace remediations
