#pragma once

#include <array>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "remediations/knowledge/logs/backup_attempt.hpp"
#include "remediations/knowledge/logs/line_scanner.hpp"

namespace remediations {

/// Makes attempts of the lines of the backup extension's log.
class AttemptReader {
public:
    static constexpr std::size_t most_attempts = 100;
    static constexpr std::size_t most_freeze_failures = 20;

    explicit AttemptReader(machine::Platform platform) : platform_(platform) {}

    /// What a line must contain to matter here.
    static const std::vector<std::string>& markers(machine::Platform platform);

    /// True for the sentences that every failed run ends with, "Enable failed ..." and the like: they say no why.
    static bool is_last_word(std::string_view line);

    /// A new file begins. On Windows each is an attempt of its own.
    void begin_file(const machine::Path& path);

    /// `found` are indices into markers(). `position` grows from line to line over all files.
    void read(const ScannedLine& line, std::span<const ScannedLine::Found> found, std::uint64_t position);

    /// The line tells of an exception that the run caught: it belongs to it though no marker stands in it. False where
    /// it was written too late for that.
    bool extend(const ScannedLine& line, std::uint64_t position);

    /// Whether the next line goes on with what extend() was told of.
    void set_continues(bool continues) { continues_ = continues; }

    /// The newest 100, oldest first.
    std::vector<BackupAttempt> finish() &&;

    /// What an error is about, from which the decisive one is chosen.
    enum class ErrorTopic { freeze, lock, certificate, precondition, snapshot, host, exception, other, last_word };
    static constexpr std::size_t error_kinds = 9;

private:
    struct Draft {
        BackupAttempt attempt;
        std::array<std::optional<LogLine>, error_kinds> first_error;
        bool snapshot_began = false;
        bool restricted_network = false;
        bool has_prefix = false;  ///< its first line
    };

    void read_linux(const ScannedLine& line, const ScannedLine::Found& found);
    void read_windows(const ScannedLine& line, const ScannedLine::Found& found);
    bool is_of_another_run(const ScannedLine& line) const;
    void begin_attempt(const ScannedLine& line);
    void add_error(ErrorTopic kind, const ScannedLine& line, const ScannedLine::Found& found);
    void add_freeze_failure(const ScannedLine& line, const ScannedLine::Found& found);
    void read_result(const ScannedLine& line, const ScannedLine::Found& found);

    machine::Platform platform_;
    machine::Path file_;
    bool new_file_ = false;
    bool continues_ = false;
    std::uint64_t position_ = 0;
    bool daemon_began_ = false;  ///< of the last draft: the process that does the backup has reported
    std::deque<Draft> drafts_;
};

}  // namespace remediations
