#pragma once

#include <chrono>
#include <optional>
#include <string_view>
#include <vector>

#include "remediations/knowledge/logs/event_failures.hpp"
#include "remediations/knowledge/logs/log_evidence.hpp"

namespace remediations {

/// How the newest run of the Windows backup extension ended, by its log, its status file and its process. Get it
/// through machine.derived<LastRun>().
class LastRun {
public:
    enum class End {
        unknown,    ///< it never ran, or nothing tells of it
        running,    ///< its process is there
        succeeded,  ///< by the last line of its log, or by a status file that is newer than its log's begin
        failed,     ///< by its log, or by its status file where no newer log tells of it
        broke_off,  ///< its log stops before the end, and the process is gone
    };

    explicit LastRun(const machine::Machine& machine);

    End end() const { return end_; }
    /// Whether a backup failed after which none succeeded.
    bool is_failure() const { return end_ == End::failed || end_ == End::broke_off; }
    /// nullptr where only the status file tells of it.
    const BackupAttempt* attempt() const { return attempt_; }
    /// When the newest good one ended, by the log or by the status file; no value where none is known.
    std::optional<std::chrono::system_clock::time_point> success() const { return success_; }
    /// What was seen of its end.
    const std::vector<Evidence>& evidence() const { return evidence_; }
    /// The same, and how far a failed run came by its log.
    std::vector<Evidence> evidence_of_end() const;
    /// The decisive line of a failed run and the message of its status, for HRESULTs and names in them.
    const std::string& failure_text() const { return failure_text_; }

    /// What something that was noted at that time explains.
    enum class Bearing {
        current,  ///< the failed run, or what comes next where none failed
        earlier,  ///< a failure before the newest one
        history,  ///< nothing any more: a backup succeeded since
    };
    Bearing bearing_of(std::chrono::system_clock::time_point time) const;

private:
    void read_status(const machine::Machine& machine);

    End end_ = End::unknown;
    const BackupAttempt* attempt_ = nullptr;
    std::vector<Evidence> evidence_;
    std::string failure_text_;
    std::optional<std::chrono::system_clock::time_point> success_;  ///< of the newest one
};

/// What is known of the backups, to judge events by: the log's runs without one that runs now.
BackupRuns backup_runs(const machine::Machine& machine);

/// "PrepareForBackup": the step as the extension's log names it, and what it waits for there.
struct PhaseText {
    std::string_view name;
    std::string_view waits_for;
};
PhaseText text_of(BackupPhase phase);

/// Whether a text names an HRESULT or Win32 error, as "0x800423F2" in any case, or as the signed decimal number.
bool names_code(std::string_view text, std::uint32_t code);

}  // namespace remediations
