#pragma once

#include <optional>
#include <string_view>

#include "remediations/machine/processes.hpp"

namespace machine::local {

/// What /proc/<pid>/stat says about a process (proc_pid_stat(5)).
struct ProcessStat {
    std::string name;  ///< at most 15 bytes; may hold spaces, parentheses and line breaks
    char state = '?';
    std::uint32_t parent = 0;
    std::uint64_t started = 0;  ///< clock ticks after the boot; 0 where the text ends earlier
};
/// Nothing when the text is not of that form.
std::optional<ProcessStat> parse_process_stat(std::string_view text);

/// Whose a process is, as /proc/<pid>/status says (proc_pid_status(5)).
struct ProcessIdentity {
    bool is_root = false;        ///< real, effective, saved and file-system user are 0, in our user namespace
    std::size_t namespaces = 0;  ///< in how many PID namespaces it has a number, from ours inwards; 0: not told
};
/// Nothing when the text does not tell its users.
std::optional<ProcessIdentity> parse_process_identity(std::string_view status);

class LinuxProcesses final : public Processes {
public:
    Result<std::vector<Process>> list() const override;
    Result<CommandOutput> query(const Command& command) const override;
    Result<CommandOutput> run(const Command& command) override;
    Result<void> end(std::uint32_t pid, std::chrono::system_clock::time_point started) override;
};

}  // namespace machine::local
