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

/// Returns true if a line of a logger without levels reports a failure: by general English words, but not in fields
/// that report none ("errorMsg: None", "isAnyFailed False", "errors=remount-ro").
bool tells_failure(std::string_view text);

/// Creates failures from the lines of logs, by the general grammar of each logger and not by known texts: a record with
/// its level or its words, its traceback, and the lines that continue it.
class FailureReader {
public:
    explicit FailureReader(machine::Platform platform) : platform_(platform) {}

    /// Returns true if failures are created from this log.
    static bool reads(Log log);
    /// Returns texts; only a line with one of them begins a failure or shows that one is over.
    static const std::vector<std::string>& markers(Log log);

    /// Begins a new file, and with it a new record.
    void begin_file(Log log, const machine::Path& path);

    /// Reads a line. `position` grows from line to line over all files. Returns true if it wants the next line too.
    bool read(Log log, const ScannedLine& line, std::uint64_t position);

    /// Returns true if the last line that was read begins or continues an exception that the software caught.
    bool is_in_caught_exception() const { return open_ && record_.is_caught; }
    /// Returns true if that line continues a record that began before it.
    bool continues() const { return open_ && record_.lines > 1; }

    /// Returns the failures of all logs; the one whose newest occurrence is oldest comes first. `attempts` are all
    /// known ones, oldest first.
    std::vector<Failure> finish(const std::vector<BackupAttempt>& attempts);
    /// Returns the number of shapes for which there was no room. Call it after finish().
    std::uint64_t dropped() const;

private:
    enum class Topic { none, goal_state, status, shell, others };

    /// The parsed first line of a record.
    struct Head {
        bool begins = false;         ///< true if it begins a record
        bool is_held = false;        ///< written while the file systems were frozen
        std::string_view level;      ///< the logger's word; empty where it has none
        std::string_view source;     ///< thread or program
        std::string_view extension;  ///< "Microsoft.Azure.RecoveryServices.VMSnapshotLinux-1.0", where the line names
                                     ///< one
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
        bool is_caught = false;     ///< "with error: ..., stack trace: Traceback": the software caught it and continues
        bool in_traceback = false;  ///< within the calls of a traceback; its exception follows
        bool in_chain = false;      ///< after an exception; another one may follow
        std::string source;
        std::string extension;
        std::string text;         ///< the text after the date, without calls
        std::size_t message = 0;  ///< offset of the message in it
        std::string exception;    ///< the last line of its innermost traceback
        std::uint64_t lines = 0;
    };

    Head head_of(Log log, const ScannedLine& line) const;
    void begin(Log log, const ScannedLine& line, const Head& head, std::uint64_t position, Failure::Severity severity);
    void append(const ScannedLine& line, std::string_view text);
    void add_text(std::string_view text);
    void close();
    /// Returns true if a heartbeat of the agent shows that it gets its goal states.
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
