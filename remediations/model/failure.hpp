#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "remediations/model/reason.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations {

/// One thing that went wrong, as the software it happened to logged it: who, doing what, on what, and why. Occurrences
/// that differ in nothing but numbers, names and times are one failure.
struct Failure {
    /// How much the line itself says. Loggers without levels write `unlevelled` lines: their words alone tell.
    enum class Severity { warning, unlevelled, error };

    Layer layer = Layer::guest_agent;  ///< of the pipeline, in which it happened
    std::string component;             ///< who, for people: "The guest agent", "VSS", "The kernel"
    std::string operation;             ///< doing what, "Fetch goal state"; empty where the line does not say
    std::string subject;               ///< on what: a mount, a writer, a service; empty where it names none
    std::vector<Reason> reasons;       ///< why, the innermost first; empty where the line has no known code
    Severity severity = Severity::error;
    Evidence quote;                                               ///< where the newest stands; the whole line, uncut
    std::optional<std::chrono::system_clock::time_point> first;   ///< of the oldest and the newest occurrence
    std::optional<std::chrono::system_clock::time_point> newest;  ///< that has a time
    std::uint64_t count = 1;

    /// Times of the occurrences, at most 64, the older ones thinned out.
    std::vector<std::chrono::system_clock::time_point> times;
    /// Where the newest stands among all lines of its log; 0 for events.
    std::uint64_t position = 0;
    /// A good run of the backup, or the time before one, shows it as well: it explains no failed one.
    bool is_noise = false;
    /// What it could hinder went on behind its newest occurrence: a backup succeeded, the software says that it works,
    /// or the run in which it stands is still at work.
    bool is_over = false;
    /// It stands in a run of the backup that failed or broke off, the newest one.
    bool in_failed_run = false;
    /// That run's own result, where it is the line that best explains it; Linux.
    std::optional<int> decides_result;

    /// What is the same in all occurrences; two failures with the same one are one.
    std::string shape;
};

}  // namespace remediations
