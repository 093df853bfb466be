#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "handler/guard/guard_settings.hpp"
#include "remediations/machine/local/recurring_job.hpp"

namespace handler {

/// Switching the guard on and off. Whoever does that holds the run lock, but for suspending and resuming, which ticks
/// leave alone.

/// Of the timer, the cron file or the scheduled task; and the command that it starts.
inline constexpr auto guard_job_name = "backup-remediation-guard";
inline constexpr auto guard_command = "guard-tick";

struct GuardTools {
    std::filesystem::path executable;  ///< the program that runs now, of which the guard gets a copy
    std::filesystem::path state_folder;
    std::string version;  ///< of `executable`
    /// machine::local::install_job and remove_job.
    std::function<machine::Result<machine::local::JobBy>(const machine::local::RecurringJob&)> install_job;
    std::function<machine::Result<void>(const std::string& name)> remove_job;
};

/// The copy that the guard runs. The agent's folder may get lost, full or noexec; this one is the guard's own.
std::filesystem::path guard_program(const std::filesystem::path& state_folder);

/// Whether version `left` is older, number by number: 1.9.0.0 is older than 1.10.0.0.
bool is_older_version(std::string_view left, std::string_view right);

/// `wanted` is not off; its version and `suspended` are decided here. What the guard knows of earlier repairs stays
/// where the same is wanted as before; else it starts afresh. Returns by what it is started. On an error nothing is
/// left of it.
machine::Result<machine::local::JobBy> switch_guard_on(GuardSettings wanted, const GuardTools& tools);

/// Nothing is left but the journals of its repairs. Nothing to do where there is no guard.
machine::Result<void> switch_guard_off(const GuardTools& tools);

/// Where there is a guard: its extension is disabled, so ticks do nothing.
machine::Result<void> suspend_guard(const std::filesystem::path& state_folder);

/// Where there is a guard: its extension is enabled, in this folder. It goes on, reports there, and gets this program
/// where its own is no newer one; timer and program are put back where somebody removed them.
machine::Result<void> resume_guard(const std::filesystem::path& handler_folder, const GuardTools& tools);

}  // namespace handler
