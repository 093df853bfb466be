#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "remediations/machine/result.hpp"

namespace machine::local {

/// How a worker left the guest agent's reach; for the log.
enum class Detachment {
    systemd_unit,   ///< a transient unit with a control group of its own
    session,        ///< a session of its own; a systemd restart of the agent would still reach it
    breakaway,      ///< outside the agent's Windows job
    inherited_job,  ///< the job forbids breaking away: ends with the agent's job
};

/// The service manager may refuse to run a program (SELinux keeps systemd from some folders) without
/// telling who asked; `session` does without it.
enum class DetachBy { service_manager, session };

/// Starts a program that outlives its parent and, where the system can, a restart of the service
/// its parent belongs to. `unit` names it for the service manager ([a-z0-9-]). Standard streams
/// are the null device; the environment is empty but for PATH (Linux) or the system's own
/// variables (Windows).
Result<Detachment> start_detached(const std::string& unit, const std::filesystem::path& program,
                                  const std::vector<std::string>& arguments,
                                  const std::filesystem::path& working_directory,
                                  DetachBy by = DetachBy::service_manager);

/// A child that is watched: started in the same session, waited for with a deadline.
/// Returns its exit code; ErrorKind::timed_out after it and its process group were ended.
Result<int> run_supervised(const std::filesystem::path& program, const std::vector<std::string>& arguments,
                           const std::filesystem::path& working_directory, std::chrono::milliseconds timeout);

/// Full path of the running executable; empty where the system does not tell (Linux without /proc).
std::filesystem::path this_executable();

std::uint32_t this_process_id();

/// root, or an elevated administrator or SYSTEM.
bool is_privileged();

}  // namespace machine::local
