#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "remediations/knowledge/logs/backup_attempt.hpp"
#include "remediations/knowledge/logs/failure_collector.hpp"
#include "remediations/knowledge/logs/line_scanner.hpp"

namespace remediations {

/// Whether a line of a logger without levels says that something failed: by general words, in English, without fields
/// that say none ("errorMsg: None", "isAnyFailed False", "errors=remount-ro").
bool tells_failure(std::string_view text);

/// Makes failures of the lines of logs, by the general grammar of each logger and not by known texts: a record with its
/// level or its words, its traceback, and the lines that go on with it.
class FailureReader {
public:
    explicit FailureReader(machine::Platform platform) : platform_(platform) {}

    /// Whether failures are made of this log.
    static bool reads(Log log);
    /// What a line must contain to begin a failure, or to tell that one is over.
    static const std::vector<std::string>& markers(Log log);

    /// A new file begins, and with it a record.
    void begin_file(Log log, const machine::Path& path);

    /// `position` grows from line to line over all files. Returns whether it wants the next line too.
    bool read(Log log, const ScannedLine& line, std::uint64_t position);

    /// Whether the line that was read last goes on with an exception that was caught, or is its first line.
    bool is_in_caught_exception() const { return open_ && record_.is_caught; }
    /// Whether it goes on with a record that began above.
    bool continues() const { return open_ && record_.lines > 1; }

    /// Of all logs, that whose newest occurrence is oldest first. `attempts` are all that are known, oldest first.
    std::vector<Failure> finish(const std::vector<BackupAttempt>& attempts);
    /// Shapes for which there was no room; known once finish() was called.
    std::uint64_t dropped() const;

private:
    enum class Topic { none, goal_state, status, shell, others };

    /// The first line of a record, taken apart.
    struct Head {
        bool begins = false;         ///< a record
        bool is_held = false;        ///< written while the file systems were frozen
        std::string_view level;      ///< as the logger has it; empty where it has none
        std::string_view source;     ///< thread or program
        std::string_view extension;  ///< "Microsoft.Azure.RecoveryServices.VMSnapshotLinux-1.0", where it names one
        std::string_view message;
    };
    struct Record {
        Log log = Log::agent;
        machine::Path file;
        std::uint64_t number = 0;
        std::uint64_t position = 0;
        std::optional<std::chrono::system_clock::time_point> time;
        bool zone_known = false;
        Failure::Severity severity = Failure::Severity::error;
        bool is_held = false;
        bool is_caught = false;     ///< "with error: ..., stack trace: Traceback": the code goes on
        bool in_traceback = false;  ///< the calls; its exception comes
        bool in_chain = false;      ///< behind an exception another one may follow
        std::string source;
        std::string extension;
        std::string text;         ///< as it stands behind the date, without calls
        std::size_t message = 0;  ///< where the message begins in it
        std::string exception;    ///< the last line of its innermost traceback
        std::uint64_t lines = 0;
    };

    Head head_of(Log log, const ScannedLine& line) const;
    void begin(Log log, const ScannedLine& line, const Head& head, std::uint64_t position, Failure::Severity severity);
    void append(const ScannedLine& line, std::string_view text);
    void add_text(std::string_view text);
    void close();
    /// Of a heartbeat of the agent.
    bool says_that_fetches_work(std::string_view text, const ScannedLine& line) const;
    void see_recovery(Log log, std::string_view text, const ScannedLine& line, std::uint64_t position);
    void judge(FailureCollector::Kept& kept, Log log, const std::vector<BackupAttempt>& attempts) const;

    struct Recovery {
        std::uint64_t position = 0;
        std::optional<std::chrono::system_clock::time_point> time;
    };

    machine::Platform platform_;
    machine::Path file_;
    bool open_ = false;
    Record record_;
    std::map<Log, FailureCollector> collectors_;
    std::map<Topic, Recovery> recoveries_;
};

}  // namespace remediations
