#pragma once

#include <chrono>
#include <optional>
#include <string_view>
#include <vector>

#include "remediations/knowledge/logs/event_failures.hpp"
#include "remediations/knowledge/logs/log_evidence.hpp"

namespace remediations {

/// The end of the newest run of the Windows backup extension, from its log, its status file and its process. Get it
/// through machine.derived<LastRun>().
class LastRun {
public:
    enum class End {
        unknown,    ///< it never ran, or there is no trace of it
        running,    ///< its process runs
        succeeded,  ///< by the last line of its log, or by a status file that is newer than the beginning of its log
        failed,     ///< by its log, or by its status file where no newer log exists
        broke_off,  ///< its log stops before the end, and the process is gone
    };

    explicit LastRun(const machine::Machine& machine);

    End end() const { return end_; }
    /// Returns true if the newest run that ended has failed or broken off.
    bool is_failure() const { return end_ == End::failed || end_ == End::broke_off; }
    /// Returns nullptr where only the status file tells of the run.
    const BackupAttempt* attempt() const { return attempt_; }
    /// Returns when the newest good backup ended, by the log or by the status file; nullopt where none is known.
    std::optional<std::chrono::system_clock::time_point> success() const { return success_; }
    /// Returns what was seen of the end of the run.
    const std::vector<Evidence>& evidence() const { return evidence_; }
    /// Returns evidence() and, for a failed run, how far it came by its log.
    std::vector<Evidence> evidence_of_end() const;
    /// Returns the decisive line of a failed run and the message of its status; callers look for HRESULTs and names in
    /// it.
    const std::string& failure_text() const { return failure_text_; }

    /// The failure that an event or line of a given time can explain.
    enum class Bearing {
        current,  ///< the newest failed run or, where none failed, the next one
        earlier,  ///< a failure before the newest one
        history,  ///< none: a backup succeeded since
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

/// Returns the backups to judge events by: the runs in the log, without one that still runs.
BackupRuns backup_runs(const machine::Machine& machine);

/// A step of the run for people: its name in the extension's log, "PrepareForBackup", and what the extension waits for
/// in it.
struct PhaseText {
    std::string_view name;
    std::string_view waits_for;
};
PhaseText text_of(BackupPhase phase);

/// Returns true if a text contains an HRESULT or Win32 error: as "0x800423F2" in any case, or as a signed decimal
/// number.
bool names_code(std::string_view text, std::uint32_t code);

}  // namespace remediations
