#pragma once

#include <boost/json/value.hpp>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "remediations/machine/machine.hpp"

namespace remediations::azure {

/// An error of a job: a number, and texts for people, which may be localized.
struct JobError {
    std::optional<std::int64_t> number;
    std::string text;
    std::vector<std::string> recommendations;
};

struct JobTask {
    std::string name;    ///< "Take Snapshot", "Transfer data to vault"
    std::string status;  ///< "Completed", "InProgress", "Failed", "NotStarted"
};

/// A backup job of this VM in the vault.
struct BackupJob {
    std::string id;      ///< resource id
    std::string status;  ///< "InProgress", "Completed", "Failed", "CompletedWithWarnings", "Cancelled", "Cancelling"
    std::optional<std::chrono::system_clock::time_point> started;
    std::optional<std::chrono::system_clock::time_point> ended;
    bool is_started_by_user = false;
    bool may_be_cancelled = false;
    std::vector<JobError> errors;
    // For the newest job only:
    std::vector<JobTask> tasks;
    std::optional<std::int64_t> percent;
    std::string dynamic_message;  ///< not localized; may quote an error code's name

    bool has_failed() const;
    bool runs() const;
    const JobTask* task(std::string_view words) const;  ///< the first task whose name contains the words; nullptr
                                                        ///< without one
    /// Returns the place for evidence: "backup job <id> of 2026-11-29 08:00 UTC".
    std::string where() const;
    /// Returns an error code. Best, one that this program knows: a name that is a word of the texts, else the number,
    /// else the code of a message in English. Else any number, else empty.
    std::string error_code() const;
};

/// The backup jobs of the last seven days, newest first. Get them through machine.derived<BackupJobs>().
class BackupJobs {
public:
    explicit BackupJobs(const machine::Machine& machine);

    const machine::Result<std::vector<BackupJob>>& jobs() const { return jobs_; }

    /// Returns the newest job that has ended or runs; nullptr where none is known.
    const BackupJob* newest() const;

private:
    machine::Result<std::vector<BackupJob>> jobs_;
};

/// When scheduled backups of the VM begin: the time since midnight, UTC, within a quarter of an hour of which the
/// newest three began. nullopt where they did not, or fewer are known.
std::optional<std::chrono::minutes> usual_start(const std::vector<BackupJob>& jobs);
/// Between two times of day, past midnight where that is nearer.
std::chrono::minutes time_between(std::chrono::minutes one, std::chrono::minutes other);

/// How far back jobs are asked for.
inline constexpr auto jobs_looked_back = std::chrono::hours(7 * 24);

/// The backup jobs of all VMs of a vault since then, each with what `job_in` reads.
machine::ArmQuestion question_for_jobs(const std::string& vault, std::chrono::system_clock::time_point now);
BackupJob job_in(const boost::json::value& answer);

/// Returns "2026-11-29 08:00:00 PM", the format for filters of Azure Backup: a clock of twelve hours, whatever the
/// locale.
std::string filter_time(std::chrono::system_clock::time_point time);

}  // namespace remediations::azure
