#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "remediations/knowledge/logs/backup_attempt.hpp"
#include "remediations/knowledge/logs/log_line.hpp"
#include "remediations/model/failure.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations {

struct LogMatch {
    LogLine newest;
    /// Lines that contain the text. A kernel message counts twice where it stands in the ring buffer and in a file.
    std::uint64_t count = 0;
};

/// How much is read, so that no machine keeps the handler busy for long.
struct LogLimits {
    std::uint64_t most_of_log = std::uint64_t{4} << 30;    ///< bytes of one log, its newest, in all its files
    std::uint64_t most_unpacked = std::uint64_t{2} << 30;  ///< bytes that come out of compressed files, in all
};

/// What the logs of a machine say about its backups, from one pass over all of them: rotated and
/// compressed ones too, of any size, in constant memory. Get it through
/// machine.derived<LogEvidence>().
class LogEvidence {
public:
    /// Looks for these. The engine says which (engine/signals.hpp).
    LogEvidence(const machine::Machine& machine, const std::vector<LogPattern>& patterns, const LogLimits& limits = {});

    /// The newest line of `log` that contains `text`, which must be one of a remediation's log_lines;
    /// std::logic_error otherwise. nullptr when there is none. The line that stands last is the newest one,
    /// whatever time it has: clocks are set back.
    const LogMatch* find(Log log, std::string_view text) const;

    /// The same, but nullptr also for a line that a later successful backup has proved to be history.
    /// In the extension's own log "later" is where it stands, elsewhere when it was written: there a line
    /// without a time, or from the future, stays current, and one in local time for 14 hours more.
    const LogMatch* find_current(Log log, std::string_view text) const;

    /// The line of the newest attempt with one of remediation.proving_results, or the newest one that its testimonies
    /// name; nullptr where there is none, where a later backup succeeded, where what revokes it followed, or where the
    /// log goes on for days without it. `as_history`: without those that heal unsaid.
    const LogLine* testimony_for(const Remediation& remediation, bool as_history = false) const;

    /// Oldest first, the newest 100. Empty also where there is no log: see sources().
    const std::vector<BackupAttempt>& attempts() const { return attempts_; }
    const BackupAttempt* newest_attempt() const { return attempts_.empty() ? nullptr : &attempts_.back(); }

    /// What the logs tell of failures, that whose newest occurrence is oldest first; at most 512 shapes.
    const std::vector<Failure>& failures() const { return failures_; }
    /// Shapes of failures for which there was no room, those that occurred longest ago.
    std::uint64_t dropped_failures() const { return dropped_failures_; }

    /// When the log's newest line was written; nullopt when there is no log or no line with a time.
    std::optional<std::chrono::system_clock::time_point> newest_line(Log log) const;

    /// Files that were read, with what could not be read, or not to its end, and why. A log that does not exist is
    /// none.
    struct Source {
        Log log;
        machine::Path file;  ///< "dmesg" and "journal" are programs' output
        std::optional<machine::Error> error;
    };
    const std::vector<Source>& sources() const { return sources_; }
    /// Why `log` is not known as a whole, for Finding::unknown; nullptr when all there is of it was read.
    const Source* unread(Log log) const;

private:
    friend class LogReader;

    struct Entry {
        LogMatch match;
        std::uint64_t position = 0;  ///< where the newest line stands among all lines of its log
        bool zone_known = false;     ///< of the newest line's time
    };
    const Entry* entry(Log log, std::string_view text) const;
    bool is_credible(std::chrono::system_clock::time_point time) const;

    std::map<std::pair<Log, std::string>, Entry, std::less<>> entries_;
    std::map<Log, std::chrono::system_clock::time_point> newest_lines_;
    std::vector<BackupAttempt> attempts_;
    std::vector<Failure> failures_;
    std::uint64_t dropped_failures_ = 0;
    std::vector<Source> sources_;
    /// The last line of the last successful attempt.
    std::optional<std::uint64_t> success_position_;
    std::optional<std::chrono::system_clock::time_point> success_time_;
    std::optional<std::chrono::system_clock::time_point> latest_credible_;
};

}  // namespace remediations
