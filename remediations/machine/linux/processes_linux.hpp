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

class LinuxProcesses final : public Processes {
public:
    Result<std::vector<Process>> list() const override;
    Result<CommandOutput> query(const Command& command) const override;
    Result<CommandOutput> run(const Command& command) override;
    Result<void> end(std::uint32_t pid, std::chrono::system_clock::time_point started) override;
};

}  // namespace machine::local
