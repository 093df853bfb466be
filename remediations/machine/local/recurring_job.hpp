#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "remediations/machine/result.hpp"

namespace machine::local {

/// A program that the system starts regularly as root or SYSTEM, so that no process of this program stays in memory.
struct RecurringJob {
    std::string name;               ///< [a-z0-9-]
    std::string description;        ///< one line
    std::filesystem::path program;  ///< in a folder that only root or SYSTEM may write to; no blanks on Linux
    std::string argument;           ///< [a-z0-9-]
    std::chrono::hours every{1};    ///< 1 to 24
};

enum class JobBy { systemd_timer, cron, task_scheduler };
std::string_view to_string(JobBy by);

/// Installs the job. Linux: a systemd timer with a oneshot service, which is started once as a test; where there is no
/// systemd, or systemd cannot start the program, a file in /etc/cron.d. Windows: a task of the Task Scheduler. Replaces
/// a job of the same name. Does nothing where the job is already as wanted.
Result<JobBy> install_job(const RecurringJob& job);

/// Removes the job with this name from every scheduler. Does not end a run in progress, because it may be the caller's.
/// Succeeds where there is no such job.
Result<void> remove_job(const std::string& name);

}  // namespace machine::local
