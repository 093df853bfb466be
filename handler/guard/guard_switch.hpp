#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "handler/guard/guard_settings.hpp"
#include "remediations/machine/local/recurring_job.hpp"

namespace handler {

/// Functions to switch the guard on and off. The caller holds the run lock, except for suspend_guard() and
/// resume_guard(), which ticks do not touch.

/// The name of the timer, the cron file or the scheduled task, and the command that it starts.
inline constexpr auto guard_job_name = "backup-remediation-guard";
inline constexpr auto guard_command = "guard-tick";

struct GuardTools {
    std::filesystem::path executable;  ///< the running program, of which the guard gets a copy
    std::filesystem::path state_folder;
    std::string version;  ///< of `executable`
    /// machine::local::install_job and remove_job.
    std::function<machine::Result<machine::local::JobBy>(const machine::local::RecurringJob&)> install_job;
    std::function<machine::Result<void>(const std::string& name)> remove_job;
};

/// Returns the guard's own copy of the program. The agent's folder may be removed, full or noexec.
std::filesystem::path guard_program(const std::filesystem::path& state_folder);

/// Returns true if version `left` is older, number by number: 1.9.0.0 is older than 1.10.0.0.
bool is_older_version(std::string_view left, std::string_view right);

/// Switches the guard on. `wanted` must not be off; its version and `suspended` are set here. The record of earlier
/// repairs stays if the settings are the same as before, else it is removed. Returns what starts the ticks. On an error
/// nothing of the guard is left.
machine::Result<machine::local::JobBy> switch_guard_on(GuardSettings wanted, const GuardTools& tools);

/// Switches the guard off. Only the journals of its repairs stay. Does nothing where there is no guard.
machine::Result<void> switch_guard_off(const GuardTools& tools);

/// Suspends the guard, if there is one, because its extension is disabled: its ticks do nothing.
machine::Result<void> suspend_guard(const std::filesystem::path& state_folder);

/// Resumes the guard, if there is one, because its extension is enabled, in this folder. The guard then reports there,
/// and gets this program unless its own is newer. A timer or program that somebody removed is installed again.
machine::Result<void> resume_guard(const std::filesystem::path& handler_folder, const GuardTools& tools);

}  // namespace handler
