#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>

#include "handler/agent/environment.hpp"
#include "handler/agent/exit_code.hpp"
#include "handler/agent/settings.hpp"
#include "handler/agent/system.hpp"

namespace handler {

/// `enable` answers the agent at once. Two processes that it leaves behind do the work:
///
///     enable --starts--> supervisor --starts and watches--> worker
///
/// While the store says "running" for a number that the supervisor has not tried, it starts a worker for that number;
/// so settings that arrive during a run wait for its end. The supervisor holds supervisor.lock all the time; that lock
/// shows if a run is active. If a worker dies or takes too long, the supervisor writes its final status. If the
/// supervisor dies, the worker still writes its own. If both die (a reboot), the next enable finds "running" without a
/// supervisor and begins again.

/// The time after which a worker is killed.
inline constexpr std::chrono::minutes time_budget{20};
/// The time after which a worker begins no further fix, so that its time budget does not interrupt a fix.
inline constexpr std::chrono::minutes fixing_ends_after{14};
/// The longest wait for another run to end (a person's fix or undo, another version's worker).
inline constexpr std::chrono::minutes patience_for_others{5};

std::filesystem::path supervisor_lock_file(const std::filesystem::path& handler_folder);
std::filesystem::path worker_lock_file(const std::filesystem::path& handler_folder);
/// While this file exists, a run ends before its next fix. `disable` creates it, `enable` removes it.
std::filesystem::path stop_file(const std::filesystem::path& handler_folder);
/// Asks the processes that work for this folder to stop, that of Azure too. Returns true once there is none.
bool ask_to_stop(const std::filesystem::path& handler_folder, std::chrono::seconds patience);

/// Returns when nothing is left to run, or at once if another supervisor is active.
ExitCode supervise(const std::filesystem::path& handler_folder, const System& system);

/// Runs what sequence `number` asks for and reports it. Returns ok if it was reported, whatever the outcome; stopped if
/// the extension was disabled meanwhile. Then the store still says "running", so that the next enable begins it again.
ExitCode work(const std::filesystem::path& handler_folder, std::uint64_t number, const System& system);

/// Does the same with settings that are in no file. The store of `environment` must say "running" for `number`.
ExitCode work(const Environment& environment, std::uint64_t number, const Settings& settings, const System& system);

/// Waits until the time of a verbose log is over and switches it off. Returns at once if another process waits, or if
/// there is no such log. A reboot ends the wait; the next `enable` or run begins it again.
ExitCode wait_for_verbose_log(const std::filesystem::path& handler_folder, const System& system);
std::filesystem::path verbose_log_lock_file(const std::filesystem::path& state_folder);

/// Starts that wait in a process of its own, if it is needed and none is active.
void watch_verbose_log(const std::filesystem::path& handler_folder, const System& system);

}  // namespace handler
