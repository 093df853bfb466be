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
    /// The first command_line_words words, and of these command_line_bytes bytes: what its owner writes there has no
    /// end. Empty where it may not be read, and of every process that is not `of_system`: who is not trusted has no
    /// words here, and what they hold is not looked at.
    std::vector<std::string> command_line;
    std::chrono::system_clock::time_point started = {};
    /// Linux: the kernel function it waits in while nothing can interrupt it (state D), else empty.
    std::string blocked_in = {};
    /// Linux: it runs as root (real, effective and saved user 0) in our own PID namespace, so no other user and no
    /// container chose its name or words; Windows: as SYSTEM. Only such a process is taken for a part of the system.
    /// True where it is not known: captures of old have no word about it.
    bool of_system = true;

    friend bool operator==(const Process&, const Process&) = default;
};

/// A program with its arguments; never a shell line. `program` is an absolute path.
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
    std::size_t output_limit;  ///< bytes of either stream that are kept
};

struct CommandOutput {
    int exit_code = 0;
    std::string out;  ///< at most Command::output_limit bytes, the rest is dropped
    std::string err;
    bool cut = false;  ///< `out` is not all that the program wrote

    friend bool operator==(const CommandOutput&, const CommandOutput&) = default;
};

class Processes {
public:
    static constexpr std::size_t command_line_words = 64;
    static constexpr std::size_t command_line_bytes = 4096;

    virtual ~Processes() = default;

    /// By number. An error where this program itself is not among them: such a list (of a /proc that is missing, or
    /// another namespace's) says nothing about what runs. Reads every process anew: a diagnosis uses ProcessList.
    virtual Result<std::vector<Process>> list() const = 0;

    /// Runs a tool that only reads. At the time limit its whole process group is ended and the
    /// answer is ErrorKind::timed_out. A non-zero exit code is not an error; ErrorKind::too_large where it
    /// writes more than the command's output limit: from a part nothing can be concluded.
    virtual Result<CommandOutput> query(const Command& command) const = 0;

    /// The executable and the libraries that a process has loaded. Windows only.
    virtual Result<std::vector<Path>> modules(std::uint32_t pid) const;

    /// The same for a tool that changes the machine; reached through Changes alone.
    virtual Result<CommandOutput> run(const Command& command) = 0;

    /// Ends one process at once, without asking it, and waits until it is gone: timed_out after five seconds.
    /// ErrorKind::refused where the number belongs by now to a process that was not started at `started`, as
    /// list() has it; not_found where it belongs to none.
    virtual Result<void> end(std::uint32_t pid, std::chrono::system_clock::time_point started);
};

}  // namespace machine
