#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "remediations/machine/result.hpp"

namespace machine::local {

/// A program that the system starts again and again as root or SYSTEM, without anything of ours staying in memory.
struct RecurringJob {
    std::string name;               ///< [a-z0-9-]
    std::string description;        ///< one line
    std::filesystem::path program;  ///< in a folder that only root or SYSTEM may write to; without blanks on Linux
    std::string argument;           ///< [a-z0-9-]
    std::chrono::hours every{1};    ///< 1 to 24
};

enum class JobBy { systemd_timer, cron, task_scheduler };
std::string_view to_string(JobBy by);

/// Linux: a systemd timer with a oneshot service, which is started once to see that it can be; where there is no
/// systemd, or it cannot start the program, a file in /etc/cron.d. Windows: a task of the Task Scheduler. One of this
/// name is replaced; nothing is done where it is as wanted.
Result<JobBy> install_job(const RecurringJob& job);

/// Removes whatever install_job made under this name, on any scheduler. Does not end a run that is under way: it may be
/// ours. Nothing there: nothing to do.
Result<void> remove_job(const std::string& name);

}  // namespace machine::local
