#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "remediations/model/reason.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations {

/// One thing that went wrong, as the affected software logged it: who failed, doing what, on what, and why. Occurrences
/// that differ only in numbers, names and times are one failure.
struct Failure {
    /// The level of the log line. `unlevelled`: the logger has no levels; only the words of the line tell.
    enum class Severity { warning, unlevelled, error };

    Layer layer = Layer::guest_agent;  ///< the layer in which it happened
    std::string component;             ///< who failed, for people: "The guest agent", "VSS", "The kernel"
    std::string operation;             ///< what it was doing, "Fetch goal state"; empty where the line does not say
    std::string subject;               ///< the object: a mount, a writer, a service; empty where the line names none
    std::vector<Reason> reasons;       ///< the codes, innermost first; empty where the line has no known code
    Severity severity = Severity::error;
    Evidence quote;  ///< the newest occurrence: its place and the whole line, uncut
    std::optional<std::chrono::system_clock::time_point> first;   ///< of the oldest occurrence that has a time
    std::optional<std::chrono::system_clock::time_point> newest;  ///< of the newest occurrence that has a time
    std::uint64_t count = 1;

    /// Times of the occurrences, at most 64; beyond that the older ones are thinned out.
    std::vector<std::chrono::system_clock::time_point> times;
    /// The place of the newest occurrence among all lines of its log; 0 for events.
    std::uint64_t position = 0;
    /// True if a good run of the backup, or the time before a good run, shows it as well. It then explains no failed
    /// run.
    bool is_noise = false;
    /// True if the work that it could hinder went on after its newest occurrence: a backup succeeded, the software logs
    /// that it works, or the run that logged it is still active.
    bool is_over = false;
    /// True if it occurred in the newest run of the backup, and that run failed or broke off.
    bool in_failed_run = false;
    /// Linux: the result of that run, where this line explains the result best.
    std::optional<int> decides_result;

    /// The part that is the same in all occurrences. Two failures with the same shape are one.
    std::string shape;
};

}  // namespace remediations
