#pragma once

#include <chrono>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "remediations/knowledge/logs/event_failures.hpp"
#include "remediations/model/failure.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations {

/// The event logs of a Windows machine: the events that causes look for, with one query for each channel, and all
/// errors and warnings that have to do with a backup, with another query. Get it through
/// machine.derived<EventEvidence>(). Empty on Linux.
class EventEvidence {
public:
    /// No backup policy has a longer time between two attempts, so older events explain nothing of today.
    static constexpr std::chrono::seconds age_limit = std::chrono::hours(14 * 24);
    /// For each channel; the newest events count.
    static constexpr std::size_t most_events = 2000;

    /// Searches for `patterns`. The engine passes them, and what is known of the machine's backups
    /// (engine/signals.hpp).
    EventEvidence(const machine::Machine& machine, const std::vector<EventPattern>& patterns,
                  const BackupRuns& runs = {});

    /// Returns the events of a pattern, newest first; empty where the channel does not exist or could not be read. The
    /// pattern must be covered by one of the constructor's, which are the events of remediations; std::logic_error
    /// otherwise.
    std::vector<const machine::Event*> find(const EventPattern& pattern) const;

    /// Returns the newest event that proves the remediation's cause (Role::proof); nullptr where there is none.
    const machine::Event* proof_for(const Remediation& remediation) const;

    /// Returns errors and warnings that have to do with backups, newest first; see failures_among(). In a capture, only
    /// those that were captured.
    const std::vector<Failure>& failures() const { return failures_; }
    /// Returns the channels whose errors and warnings could not be read, and why. Events that causes look for may be
    /// known nevertheless.
    const std::vector<machine::Error>& unread_failures() const { return unread_failures_; }

    /// Returns why a channel is not known, for Finding::unknown; nullptr where it was read or does not exist.
    const machine::Error* unread(std::string_view channel) const;

private:
    void read(const machine::Machine& machine, const std::vector<EventPattern>& patterns);
    void read_failures(const machine::Machine& machine, const BackupRuns& runs);

    std::vector<EventPattern> patterns_;
    std::map<std::string, std::vector<machine::Event>, std::less<>> events_;  ///< by channel in lower case
    std::map<std::string, machine::Error, std::less<>> unread_;
    std::vector<Failure> failures_;
    std::vector<machine::Error> unread_failures_;
};

/// Returns the key name of the service that an event of the Service Control Manager or of DCOM concerns, "COMSysApp",
/// always spelled in the same way; the display name in the event is localized. Empty where the event names none.
std::string service_of(const machine::Event& event);

/// Returns evidence: "event log System: Service Control Manager 7034", "2026-11-20 22:01:07Z RdAgent | 3"; at most 4096
/// bytes of the event's text.
Evidence evidence_of(const machine::Event& event, std::string expected);

}  // namespace remediations
