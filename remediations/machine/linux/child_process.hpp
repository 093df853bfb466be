#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "remediations/machine/result.hpp"

namespace machine::local {

/// The PATH of a child process, which is all of its environment.
inline constexpr const char* child_path = "/usr/sbin:/usr/bin:/sbin:/bin";

enum class ChildOf {
    new_session,  ///< the child leads a session and a process group of its own
    new_group,    ///< the child leads a process group of its own in this session
};

/// Starts a program with the null device as its standard streams, no other open file, default signal handling and only
/// PATH in its environment. Error where the program cannot be executed.
Result<pid_t> start_child(const std::filesystem::path& program, const std::vector<std::string>& arguments,
                          const std::filesystem::path& working_directory, ChildOf child_of);

/// Returns the exit code, or 128 + the signal that ended it. Kills its process group at the deadline and returns
/// ErrorKind::timed_out.
Result<int> wait_for_child(pid_t child, std::chrono::steady_clock::time_point deadline, const std::string& name);

/// Call it between fork and exec: all files but the standard streams will close at exec, and no signal is blocked or
/// ignored. Calls only functions that POSIX allows there.
void prepare_for_exec() noexcept;

}  // namespace machine::local
