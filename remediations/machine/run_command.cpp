#include "remediations/machine/run_command.hpp"

#include <fmt/format.h>

#ifdef _WIN32
#include <boost/winapi/handle_info.hpp>  // group.hpp needs it and leaves it out
#endif

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/process/args.hpp>
#include <boost/process/async_pipe.hpp>
#include <boost/process/child.hpp>
#include <boost/process/env.hpp>
#include <boost/process/error.hpp>
#include <boost/process/exe.hpp>
#include <boost/process/group.hpp>
#include <boost/process/io.hpp>
#include <filesystem>
#include <mutex>
#include <thread>

#ifdef _WIN32
#include <boost/process/cmd.hpp>
#include <boost/process/windows.hpp>

#include "remediations/machine/windows/command_line.hpp"
#else
#include <sys/wait.h>

#include <boost/process/extend.hpp>

#include "remediations/machine/linux/child_process.hpp"
#include "remediations/machine/linux/system_error.hpp"
#endif

// Boost.Process version 1, with two of its parts left out. Its asynchronous wait and its wait_for
// install a handler of SIGCHLD for the whole process; polling is as good and keeps threads apart.
// Its limit_handles closes the pipe that reports a failed exec on Linux and reads past the end of
// a list on Windows. Version 2 of Boost 1.81 needs close_range, so Linux 5.9 at least.

namespace machine {

namespace {

namespace process = boost::process;
using Clock = std::chrono::steady_clock;

/// The time in which the last output of a program must arrive after its end.
constexpr auto patience_for_output = std::chrono::milliseconds(50);
/// The longest wait for a killed process to end. One that waits for a dead disk never ends.
constexpr auto patience_after_kill = std::chrono::seconds(2);

/// Reads from a pipe; keeps the first `limit` bytes and drops the rest.
class Reader {
public:
    Reader(boost::asio::io_context& context, std::size_t limit) : pipe_(context), limit_(limit) {}

    process::async_pipe& pipe() { return pipe_; }
    bool at_end() const { return at_end_; }
    bool cut() const { return cut_; }
    std::string take() { return std::move(text_); }

    void read() {
        pipe_.async_read_some(boost::asio::buffer(buffer_),
                              [this](const boost::system::error_code& error, std::size_t count) {
                                  const std::size_t room = limit_ - text_.size();
                                  cut_ = cut_ || count > room;
                                  text_.append(buffer_.data(), std::min(count, room));
                                  at_end_ = static_cast<bool>(error);
                                  if (!at_end_) {
                                      read();
                                  }
                              });
    }

private:
    process::async_pipe pipe_;
    std::size_t limit_;
    std::array<char, 16384> buffer_{};
    std::string text_;
    bool at_end_ = false;
    bool cut_ = false;
};

#ifdef _WIN32

/// The command line is made here, because Boost.Process drops empty arguments and lets a backslash
/// at the end swallow the quote after it.
template <class... Options>
process::child start_child(const Command& command, std::error_code& error, Options&&... options) {
    const auto line = windows::command_line(command.program, command.arguments);
    if (!line) {
        error = std::make_error_code(std::errc::illegal_byte_sequence);
        return {};
    }
    return process::child(process::cmd = *line, std::forward<Options>(options)..., error);
}

process::wenvironment child_environment() {
    return boost::this_process::wenvironment();
}

auto child_setup() {
    return process::windows::create_no_window;
}

Error start_error(const std::string& program, const std::error_code& error) {
    const ErrorKind kind = error == std::errc::no_such_file_or_directory ? ErrorKind::not_found
                           : error == std::errc::permission_denied       ? ErrorKind::access_denied
                                                                         : ErrorKind::failed;
    return {kind, fmt::format("cannot start {}: {}", program, error.message()), error.value()};
}

int exit_code_of(const process::child& child) {
    return child.native_exit_code();
}

#else

template <class... Options>
process::child start_child(const Command& command, std::error_code& error, Options&&... options) {
    return process::child(process::exe = command.program, process::args = command.arguments,
                          std::forward<Options>(options)..., error);
}

process::environment child_environment() {
    process::environment environment;
    environment["PATH"] = local::child_path;
    environment["LC_ALL"] = "C";
    return environment;
}

struct ChildSetup : process::extend::handler {
    template <class Executor>
    void on_exec_setup(Executor&) const {
        local::prepare_for_exec();
    }
    template <class Executor>
    void on_error(Executor& executor, const std::error_code&) const {
        // The child that could not exec is ending; Boost.Process may have asked too early.
        if (executor.pid > 0) {
            ::waitpid(executor.pid, nullptr, 0);
        }
    }
};

ChildSetup child_setup() {
    return {};
}

Error start_error(const std::string& program, const std::error_code& error) {
    return local::system_error("cannot start " + program, error.value());
}

int exit_code_of(const process::child& child) {
    const int status = child.native_exit_code();
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

#endif

/// Reads output until the program has ended. Returns false where it still runs at the deadline.
bool wait_until(Clock::time_point deadline, boost::asio::io_context& context, process::child& child, const Reader& out,
                const Reader& err) {
    auto pause = std::chrono::milliseconds(1);
    std::error_code ignored;
    while (child.running(ignored)) {
        const auto now = Clock::now();
        if (now >= deadline) {
            return false;
        }
        const auto next = std::min<Clock::time_point>(deadline, now + pause);
        if (out.at_end() && err.at_end()) {
            std::this_thread::sleep_until(next);
        } else {
            context.run_until(next);
            // Output that ends is nearly always the program ending: look again soon.
            pause = out.at_end() && err.at_end() ? std::chrono::milliseconds(0) : pause;
        }
        pause = std::clamp(pause * 2, std::chrono::milliseconds(1), std::chrono::milliseconds(20));
    }
    return true;
}

}  // namespace

Result<CommandOutput> run_command(const Command& command) {
    if (!std::filesystem::path(command.program).is_absolute()) {
        return Error::invalid(fmt::format("'{}' is not the absolute path of a program", command.program));
    }
    const auto deadline = Clock::now() + command.timeout;

    boost::asio::io_context context(1);
    Reader out(context, command.output_limit);
    Reader err(context, command.output_limit);
    process::group group;
    process::child child;
    {
        // On Windows a child inherits the pipes that another thread has just made for its own.
        static std::mutex one_at_a_time;
        const std::lock_guard lock(one_at_a_time);
        std::error_code error;
        child = start_child(command, error, child_environment(),
                            process::std_in<process::null, process::std_out> out.pipe(), process::std_err > err.pipe(),
                            group, child_setup());
        if (error) {
            return start_error(command.program, error);
        }
    }
    group.detach();  // else its destructor kills whatever the program left running
    out.read();
    err.read();

    const bool ended = wait_until(deadline, context, child, out, err);
    if (!ended) {
        std::error_code ignored;
        group.terminate(ignored);
        if (!wait_until(Clock::now() + patience_after_kill, context, child, out, err)) {
            child.detach();
        }
    }
    context.restart();
    context.run_for(patience_for_output);
    out.pipe().close();
    err.pipe().close();
    context.restart();
    context.run_for(patience_for_output);
    if (!ended) {
        return Error::timed_out(
            fmt::format("{} did not end within {} ms and was stopped", command.program, command.timeout.count()));
    }
    return CommandOutput{exit_code_of(child), out.take(), err.take(), out.cut()};
}

Result<CommandOutput> query_command(const Command& command) {
    auto output = run_command(command);
    if (!output || !output->cut) return output;
    return Error::too_large(fmt::format("{} wrote more than {} bytes, so nothing was concluded from what it says",
                                        command.program, command.output_limit));
}

}  // namespace machine
