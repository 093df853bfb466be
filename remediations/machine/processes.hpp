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
    std::string name;                       ///< file name of the executable
    std::vector<std::string> command_line;  ///< empty where it may not be read
    std::chrono::system_clock::time_point started = {};
    /// Linux: the kernel function it waits in while nothing can interrupt it (state D), else empty.
    std::string blocked_in = {};

    friend bool operator==(const Process&, const Process&) = default;
};

/// A program with its arguments; never a shell line. `program` is an absolute path.
struct Command {
    Command(std::string program_path, std::vector<std::string> argument_list,
            std::chrono::milliseconds time_limit = std::chrono::seconds(30))
        : program(std::move(program_path)), arguments(std::move(argument_list)), timeout(time_limit) {}

    std::string program;
    std::vector<std::string> arguments;
    std::chrono::milliseconds timeout;
};

struct CommandOutput {
    int exit_code = 0;
    std::string out;  ///< at most Processes::output_limit bytes, the rest is dropped
    std::string err;

    friend bool operator==(const CommandOutput&, const CommandOutput&) = default;
};

class Processes {
public:
    static constexpr std::size_t output_limit = std::size_t{1} << 20;

    virtual ~Processes() = default;

    virtual Result<std::vector<Process>> list() const = 0;

    /// Runs a tool that only reads. At the time limit its whole process group is ended and the
    /// answer is ErrorKind::timed_out. A non-zero exit code is not an error.
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
