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

/// What the event logs of a Windows machine say: what causes look for, from one query for each channel, and every error
/// and warning that has to do with a backup, from another. Get it through machine.derived<EventEvidence>(). Empty on
/// Linux.
class EventEvidence {
public:
    /// No backup policy leaves more between two attempts; what is older explains nothing of today.
    static constexpr std::chrono::seconds age_limit = std::chrono::hours(14 * 24);
    /// Of one channel; the newest count.
    static constexpr std::size_t most_events = 2000;

    /// Looks for these. The engine says which, and what is known of the machine's backups (engine/signals.hpp).
    EventEvidence(const machine::Machine& machine, const std::vector<EventPattern>& patterns,
                  const BackupRuns& runs = {});

    /// Newest first; empty where the channel does not exist or could not be read. `pattern` must be covered by one
    /// that was looked for, a remediation's events; std::logic_error otherwise.
    std::vector<const machine::Event*> find(const EventPattern& pattern) const;

    /// The newest event that the remediation's testimonies name; nullptr where there is none.
    const machine::Event* testimony_for(const Remediation& remediation) const;

    /// Errors and warnings that have to do with backups, the newest first; see failures_among(). What a capture does
    /// not have is not there.
    const std::vector<Failure>& failures() const { return failures_; }
    /// Channels whose errors and warnings could not be read, and why; those that causes look for may be known all the
    /// same.
    const std::vector<machine::Error>& unread_failures() const { return unread_failures_; }

    /// Why a channel is not known, for Finding::unknown; nullptr when it was read or there is none.
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

/// The key name of the service that an event of the Service Control Manager or of DCOM is about, "COMSysApp", in the
/// same letters everywhere: the display name beside it is localized. Empty where the event has none.
std::string service_of(const machine::Event& event);

/// As evidence: "event log System: Service Control Manager 7034", "2026-11-20 22:01:07Z RdAgent | 3"; at most 4096
/// bytes of it.
Evidence evidence_of(const machine::Event& event, std::string expected);

}  // namespace remediations
