#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "remediations/machine/processes.hpp"

namespace machine::local {

/// The fields of /proc/<pid>/stat that this program uses (proc_pid_stat(5)).
struct ProcessStat {
    std::string name;  ///< at most 15 bytes; may hold spaces, parentheses and line breaks
    char state = '?';
    std::uint32_t parent = 0;
    std::uint64_t started = 0;  ///< clock ticks after boot; 0 where the text ends before this field
};
/// Returns nullopt where the text does not have this form.
std::optional<ProcessStat> parse_process_stat(std::string_view text);

/// The user and namespaces of a process, from /proc/<pid>/status (proc_pid_status(5)).
struct ProcessIdentity {
    bool is_root = false;        ///< true if real, effective, saved and file-system user are 0 in this process's user
                                 ///< namespace
    std::size_t namespaces = 0;  ///< number of PID namespaces in which it has a number, from this one inwards; 0: not
                                 ///< known
};
/// Returns nullopt where the text does not contain the users.
std::optional<ProcessIdentity> parse_process_identity(std::string_view status);

/// Returns the words of /proc/<pid>/cmdline, which NUL separates (proc_pid_cmdline(5)): at most
/// Processes::command_line_words, of the first Processes::command_line_bytes bytes.
std::vector<std::string> parse_command_line(std::string_view text);

class LinuxProcesses final : public Processes {
public:
    Result<std::vector<Process>> list() const override;
    Result<CommandOutput> query(const Command& command) const override;
    Result<CommandOutput> run(const Command& command) override;
    Result<void> end(std::uint32_t pid, std::chrono::system_clock::time_point started) override;
};

}  // namespace machine::local
