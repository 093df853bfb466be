#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "remediations/machine/result.hpp"

namespace machine::local {

/// The way in which a worker left the guest agent's control; for the log.
enum class Detachment {
    systemd_unit,   ///< a transient unit with a control group of its own
    session,        ///< a session of its own; a systemd restart of the agent still ends it
    breakaway,      ///< outside the agent's Windows job
    inherited_job,  ///< the job does not allow breakaway: the worker ends with the agent's job
};

/// `service_manager`: the service manager starts the program. It may refuse to (SELinux denies systemd some folders)
/// and does not say so. `session`: the program is started without it.
enum class DetachBy { service_manager, session };

/// Starts a program that outlives its parent and, where the system allows it, a restart of its parent's service. `unit`
/// is its name for the service manager ([a-z0-9-]). Its standard streams are the null device. Its environment holds
/// only PATH (Linux) or the system's own variables (Windows).
Result<Detachment> start_detached(const std::string& unit, const std::filesystem::path& program,
                                  const std::vector<std::string>& arguments,
                                  const std::filesystem::path& working_directory,
                                  DetachBy by = DetachBy::service_manager);

/// Runs a child in the same session and waits for it. Returns its exit code; ErrorKind::timed_out after it and its
/// process group were killed at the deadline.
Result<int> run_supervised(const std::filesystem::path& program, const std::vector<std::string>& arguments,
                           const std::filesystem::path& working_directory, std::chrono::milliseconds timeout);

/// Returns the full path of the running executable; empty where the system does not tell it (Linux without /proc).
std::filesystem::path this_executable();

std::uint32_t this_process_id();

/// Returns true for root, an elevated administrator or SYSTEM.
bool is_privileged();

}  // namespace machine::local
