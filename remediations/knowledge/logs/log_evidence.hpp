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
    /// Number of lines that contain the text. A kernel message counts twice if it is in the ring buffer and in a file.
    std::uint64_t count = 0;
};

/// Limits of reading, so that a large log does not keep the handler busy for long.
struct LogLimits {
    std::uint64_t most_of_log = std::uint64_t{4} << 30;    ///< bytes of one log in all its files together; the newest
                                                           ///< ones are read
    std::uint64_t most_unpacked = std::uint64_t{2} << 30;  ///< bytes unpacked from compressed files, in all
};

/// The lines of a machine's logs that concern its backups. All logs are read in one pass, rotated and compressed files
/// too, of any size, in constant memory. Get it through machine.derived<LogEvidence>().
class LogEvidence {
public:
    /// Searches for `patterns`. The engine passes them (engine/signals.hpp).
    LogEvidence(const machine::Machine& machine, const std::vector<LogPattern>& patterns, const LogLimits& limits = {});

    /// Returns the newest line of `log` that contains `text`; nullptr where there is none. `text` must be one of a
    /// remediation's signals; std::logic_error otherwise. The newest line is the last one, whatever its time is,
    /// because clocks are set back.
    const LogMatch* find(Log log, std::string_view text) const;

    /// Returns the same, but nullptr also for a line that is history because a later backup succeeded. In the
    /// extension's own log "later" goes by place, in others by time: there, a line without a time, or with a future
    /// one, stays current, and a line in local time stays current for 14 hours more.
    const LogMatch* find_current(Log log, std::string_view text) const;

    /// Returns what proves the remediation's cause (Role::proof): the decisive line of the newest attempt if its result
    /// does, else the newest such line. nullptr where there is none, where a later backup succeeded, where a line that
    /// revokes it followed, or where the log continues for days without it. `as_history`: ignores signals with
    /// heals_unsaid.
    const LogLine* proof_for(const Remediation& remediation, bool as_history = false) const;

    /// Returns the newest 100 attempts, oldest first. Also empty where there is no log: see sources().
    const std::vector<BackupAttempt>& attempts() const { return attempts_; }
    const BackupAttempt* newest_attempt() const { return attempts_.empty() ? nullptr : &attempts_.back(); }

    /// Returns the failures in the logs; the one whose newest occurrence is oldest comes first. At most 512 shapes.
    const std::vector<Failure>& failures() const { return failures_; }
    /// Returns the number of failure shapes for which there was no room: those whose last occurrence is oldest.
    std::uint64_t dropped_failures() const { return dropped_failures_; }

    /// Returns the time of the log's newest line; nullopt where there is no log or no line with a time.
    std::optional<std::chrono::system_clock::time_point> newest_line(Log log) const;

    /// A file that was read, or could not be read completely, and why. A log that does not exist has none.
    struct Source {
        Log log;
        machine::Path file;  ///< "dmesg" and "journal" are the output of programs
        std::optional<machine::Error> error;
    };
    const std::vector<Source>& sources() const { return sources_; }
    /// Returns why `log` is not completely known, for Finding::unknown; nullptr where all of it was read.
    const Source* unread(Log log) const;

private:
    friend class LogReader;

    struct Entry {
        LogMatch match;
        std::uint64_t position = 0;  ///< place of the newest line among all lines of its log
        bool zone_known = false;     ///< of the time of the newest line
    };
    const Entry* entry(Log log, std::string_view text) const;
    bool is_credible(std::chrono::system_clock::time_point time) const;

    std::map<std::pair<Log, std::string>, Entry, std::less<>> entries_;
    std::map<Log, std::chrono::system_clock::time_point> newest_lines_;
    std::vector<BackupAttempt> attempts_;
    std::vector<Failure> failures_;
    std::uint64_t dropped_failures_ = 0;
    std::vector<Source> sources_;
    /// Place of the last line of the last successful attempt.
    std::optional<std::uint64_t> success_position_;
    std::optional<std::chrono::system_clock::time_point> success_time_;
    std::optional<std::chrono::system_clock::time_point> latest_credible_;
};

}  // namespace remediations
