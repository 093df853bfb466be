#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "remediations/machine/files.hpp"
#include "remediations/machine/result.hpp"

namespace machine {

struct Process {
    std::uint32_t pid = 0;
    std::uint32_t parent = 0;
    std::string name;  ///< file name of the executable
    /// The first command_line_words words, cut to command_line_bytes bytes in all, because its owner can write any
    /// amount there. Empty where it may not be read, and for every process that is not `of_system`: the words of an
    /// untrusted process are not looked at.
    std::vector<std::string> command_line;
    std::chrono::system_clock::time_point started = {};
    /// Linux: the kernel function in which it waits uninterruptibly (state D), else empty.
    std::string blocked_in = {};
    /// Linux: it runs as root (real, effective and saved user 0) in this process's PID namespace, so that no other user
    /// and no container chose its name or its words. Windows: it runs as SYSTEM. Only such a process is taken for a
    /// part of the system. True where it is not known: old captures do not say it.
    bool of_system = true;

    friend bool operator==(const Process&, const Process&) = default;
};

/// A program with its arguments, never a shell command line. `program` is an absolute path.
struct Command {
    static constexpr std::size_t usual_output_limit = std::size_t{1} << 20;

    Command(std::string program_path, std::vector<std::string> argument_list,
            std::chrono::milliseconds time_limit = std::chrono::seconds(30),
            std::size_t most_output = usual_output_limit)
        : program(std::move(program_path)),
          arguments(std::move(argument_list)),
          timeout(time_limit),
          output_limit(most_output) {}

    std::string program;
    std::vector<std::string> arguments;
    std::chrono::milliseconds timeout;
    std::size_t output_limit;  ///< the most bytes that are kept of each stream
};

struct CommandOutput {
    int exit_code = 0;
    std::string out;  ///< at most Command::output_limit bytes; the rest is dropped
    std::string err;
    bool cut = false;  ///< true if `out` is not the whole output

    friend bool operator==(const CommandOutput&, const CommandOutput&) = default;
};

class Processes {
public:
    static constexpr std::size_t command_line_words = 64;
    static constexpr std::size_t command_line_bytes = 4096;

    virtual ~Processes() = default;

    /// Returns the processes in order of their numbers. Error where this program itself is not among them: such a list
    /// (without /proc, or of another namespace) does not say what runs. Reads all processes again at each call; a
    /// diagnosis uses ProcessList.
    virtual Result<std::vector<Process>> list() const = 0;

    /// Runs a tool that only reads. At the time limit its whole process group is killed and ErrorKind::timed_out is
    /// returned. A non-zero exit code is not an error. ErrorKind::too_large where it writes more than the command's
    /// output limit, because nothing can be concluded from a part.
    virtual Result<CommandOutput> query(const Command& command) const = 0;

    /// Windows: returns the executable and the libraries that a process has loaded.
    virtual Result<std::vector<Path>> modules(std::uint32_t pid) const;

    /// Does the same for a tool that changes the machine, but an output above the limit is cut. Only Changes calls it.
    virtual Result<CommandOutput> run(const Command& command) = 0;

    /// Kills a process and waits until it is gone; ErrorKind::timed_out after five seconds. ErrorKind::refused where
    /// the number now belongs to a process that did not start at `started` (as in list()); not_found where it belongs
    /// to none.
    virtual Result<void> end(std::uint32_t pid, std::chrono::system_clock::time_point started);
};

}  // namespace machine
