#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>

#include "handler/agent/environment.hpp"
#include "handler/agent/exit_code.hpp"
#include "handler/agent/settings.hpp"
#include "handler/agent/system.hpp"

namespace handler {

/// `enable` answers the agent at once; the work is done by two processes that it leaves behind:
///
///     enable --starts--> supervisor --starts and watches--> worker
///
/// The supervisor works off the store: as long as it says "running" for a number it has not tried,
/// it starts a worker for that number, so settings that arrive during a run wait for its end. It
/// holds supervisor.lock all the while; who wants to know whether somebody is at work asks for it.
/// A worker that dies or takes too long gets its final status from the supervisor; a supervisor
/// that dies leaves a worker that writes its own. When both die (a reboot), the next enable finds
/// "running" without a supervisor and begins again.

/// How long one worker may live before it is ended.
inline constexpr std::chrono::minutes time_budget{20};
/// After this no further fix is begun, so that the budget is not what ends a fix.
inline constexpr std::chrono::minutes fixing_ends_after{14};
/// For a run of somebody else (a person's fix or undo, another version's worker) to end.
inline constexpr std::chrono::minutes patience_for_others{5};

std::filesystem::path supervisor_lock_file(const std::filesystem::path& handler_folder);
std::filesystem::path worker_lock_file(const std::filesystem::path& handler_folder);
/// While this file exists a run ends before its next fix; `disable` makes it, `enable` removes it.
std::filesystem::path stop_file(const std::filesystem::path& handler_folder);

/// Returns once nothing is left to run, or at once when another supervisor is at work.
ExitCode supervise(const std::filesystem::path& handler_folder, const System& system);

/// Runs what sequence `number` asks for and reports it. ok when it was reported, whatever the
/// outcome; stopped when the extension was disabled meanwhile: the store then still says "running",
/// so that the next enable begins it again.
ExitCode work(const std::filesystem::path& handler_folder, std::uint64_t number, const System& system);

/// The same with settings that stand in no file; the store of `environment` has to say "running" for `number`.
ExitCode work(const Environment& environment, std::uint64_t number, const Settings& settings, const System& system);

/// Waits until the time of a verbose log is over and takes it back; returns at once where another process waits, or
/// there is none. A reboot ends it; the next `enable` or run begins it again.
ExitCode wait_for_verbose_log(const std::filesystem::path& handler_folder, const System& system);
std::filesystem::path verbose_log_lock_file(const std::filesystem::path& state_folder);

/// Starts that in a process of its own, where it is needed and not at work.
void watch_verbose_log(const std::filesystem::path& handler_folder, const System& system);

}  // namespace handler
