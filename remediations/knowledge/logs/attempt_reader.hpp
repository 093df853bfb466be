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

/// Creates attempts from the lines of the backup extension's log.
class AttemptReader {
public:
    static constexpr std::size_t most_attempts = 100;
    static constexpr std::size_t most_freeze_failures = 20;

    explicit AttemptReader(machine::Platform platform) : platform_(platform) {}

    /// Returns texts; a line that contains none of them does not matter here.
    static const std::vector<std::string>& markers(machine::Platform platform);

    /// Returns true for the sentences at the end of every failed run, "Enable failed ..." and the like: they do not say
    /// why.
    static bool is_last_word(std::string_view line);

    /// Begins a new file. On Windows each file is an attempt of its own.
    void begin_file(const machine::Path& path);

    /// Reads a line. `found` are indices into markers(). `position` grows from line to line over all files.
    void read(const ScannedLine& line, std::span<const ScannedLine::Found> found, std::uint64_t position);

    /// Adds a line of an exception that the run caught to the run, although the line has no marker. Returns false where
    /// the line was written too late for that.
    bool extend(const ScannedLine& line, std::uint64_t position);

    /// Sets whether the next line continues the exception of extend().
    void set_continues(bool continues) { continues_ = continues; }

    /// Returns the newest 100 attempts, oldest first.
    std::vector<BackupAttempt> finish() &&;

    /// The topic of an error. The decisive error is chosen by it.
    enum class ErrorTopic { freeze, lock, certificate, precondition, snapshot, host, exception, other, last_word };
    static constexpr std::size_t error_kinds = 9;

private:
    struct Draft {
        BackupAttempt attempt;
        std::array<std::optional<LogLine>, error_kinds> first_error;
        bool snapshot_began = false;
        bool restricted_network = false;
        bool has_prefix = false;  ///< true if its first line has a prefix
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
    bool daemon_began_ = false;  ///< in the last draft: the process that does the backup has logged something
    std::deque<Draft> drafts_;
};

}  // namespace remediations
