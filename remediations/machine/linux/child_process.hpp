#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "remediations/machine/result.hpp"

namespace machine::local {

/// What a child process finds in its environment.
inline constexpr const char* child_path = "/usr/sbin:/usr/bin:/sbin:/bin";

enum class ChildOf {
    new_session,  ///< leads a session and process group of its own
    new_group,    ///< leads a process group of its own in our session
};

/// Starts a program with the null device as its standard streams, no other open file, default
/// signal handling and only PATH in its environment. Error when it cannot be executed.
Result<pid_t> start_child(const std::filesystem::path& program, const std::vector<std::string>& arguments,
                          const std::filesystem::path& working_directory, ChildOf child_of);

/// Its exit code, or 128 + the signal that ended it. At the deadline its process group is killed;
/// error timed_out.
Result<int> wait_for_child(pid_t child, std::chrono::steady_clock::time_point deadline, const std::string& name);

/// Between fork and exec: every file but the standard streams closes at exec, and signals are
/// neither blocked nor ignored. Calls only what POSIX allows there.
void prepare_for_exec() noexcept;

}  // namespace machine::local
