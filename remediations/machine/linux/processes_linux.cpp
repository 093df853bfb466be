#include "remediations/machine/linux/processes_linux.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <climits>
#include <csignal>
#include <ctime>
#include <thread>

#include "remediations/machine/linux/file_operations.hpp"
#include "remediations/machine/linux/system_error.hpp"
#include "remediations/machine/run_command.hpp"

namespace machine::local {

namespace {

/// The kernel allows command lines of megabytes; what a remediation looks for comes early.
constexpr std::size_t command_line_limit = std::size_t{2} << 20;

template <class Number>
std::optional<Number> number_in(std::string_view text) {
    Number number{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc() && end == text.data() + text.size() ? std::optional(number) : std::nullopt;
}

/// A file in the folder of a process; nothing where it may not be read or has more than `limit` bytes.
std::optional<std::string> text_of(const FileDescriptor& process, const char* name, std::size_t limit) {
    const FileDescriptor file(::openat(process.get(), name, O_RDONLY | O_CLOEXEC));
    if (!file) {
        return std::nullopt;
    }
    std::array<char, 4096> piece;
    std::string text;
    while (text.size() <= limit) {
        const ssize_t count = ::read(file.get(), piece.data(), piece.size());
        if (count < 0 && errno != EINTR) {
            return std::nullopt;
        }
        if (count == 0) {
            return text;
        }
        text.append(piece.data(), static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    }
    return std::nullopt;
}

/// The executable's file name where it may be seen: only root may see everybody's.
std::optional<std::string> executable_name(const FileDescriptor& process) {
    std::array<char, PATH_MAX> target;
    const ssize_t size = ::readlinkat(process.get(), "exe", target.data(), target.size());
    if (size < 0) {
        return std::nullopt;
    }
    std::string_view path(target.data(), static_cast<std::size_t>(size));
    constexpr std::string_view replaced = " (deleted)";
    if (path.ends_with(replaced)) {
        path.remove_suffix(replaced.size());
    }
    return std::string(path.substr(path.rfind('/') + 1));
}

std::vector<std::string> command_line(const FileDescriptor& process) {
    const auto text = text_of(process, "cmdline", command_line_limit);
    std::vector<std::string> words;
    if (!text) {
        return words;
    }
    for (std::size_t start = 0; start < text->size();) {
        const std::size_t end = std::min(text->find('\0', start), text->size());
        words.push_back(text->substr(start, end - start));
        start = end + 1;
    }
    return words;
}

std::string kernel_function(const FileDescriptor& process) {
    const auto name = text_of(process, "wchan", 4096);
    return !name || name->empty() || *name == "0" ? "unknown" : *name;
}

std::chrono::system_clock::time_point boot_time() {
    timespec since_boot{};
    ::clock_gettime(CLOCK_BOOTTIME, &since_boot);
    return std::chrono::system_clock::now() - std::chrono::seconds(since_boot.tv_sec) -
           std::chrono::nanoseconds(since_boot.tv_nsec);
}

}  // namespace

std::optional<ProcessStat> parse_process_stat(std::string_view text) {
    // The name can hold anything, also ") ", so its end is the last parenthesis.
    const std::size_t open = text.find(" (");
    const std::size_t close = text.rfind(") ");
    if (open == text.npos || close == text.npos || close < open + 2) {
        return std::nullopt;
    }
    const std::string_view rest = text.substr(close + 2);  // "S 1 ..."
    const std::size_t parent_end = rest.find(' ', 2);
    if (rest.size() < 4 || rest[1] != ' ') {
        return std::nullopt;
    }
    const auto parent = number_in<std::uint32_t>(rest.substr(2, parent_end == rest.npos ? rest.npos : parent_end - 2));
    if (!parent) {
        return std::nullopt;
    }
    constexpr int parent_field = 4;
    constexpr int started_field = 22;
    std::size_t at = parent_end;
    for (int field = parent_field + 1; field < started_field && at != rest.npos; ++field) {
        at = rest.find(' ', at + 1);
    }
    std::uint64_t started = 0;
    if (at != rest.npos) {
        std::from_chars(rest.data() + at + 1, rest.data() + rest.size(), started);
    }
    return ProcessStat{std::string(text.substr(open + 2, close - open - 2)), rest[0], *parent, started};
}

namespace {

std::optional<ProcessStat> stat_of(const FileDescriptor& process) {
    const auto text = text_of(process, "stat", 4096);
    return text ? parse_process_stat(*text) : std::nullopt;
}

std::chrono::system_clock::time_point start_of(const ProcessStat& stat, std::chrono::system_clock::time_point boot) {
    const auto ticks_per_second = static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
    return std::chrono::floor<std::chrono::seconds>(boot +
                                                    std::chrono::milliseconds(stat.started * 1000 / ticks_per_second));
}

/// Signals the very process whose folder in /proc this is; kernels before 5.1 can do so only by its number.
int send_signal(const FileDescriptor& process, pid_t pid, int signal) {
    constexpr long pidfd_send_signal = 424;  // the same on every architecture; old headers lack its name
    if (::syscall(pidfd_send_signal, process.get(), signal, nullptr, 0) == 0) return 0;
    return errno == ENOSYS ? ::kill(pid, signal) : -1;
}

}  // namespace

Result<std::vector<Process>> LinuxProcesses::list() const {
    const FileDescriptor proc(::open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!proc) {
        return system_error("cannot open folder /proc");
    }
    const auto names = names_in(FileDescriptor(::fcntl(proc.get(), F_DUPFD_CLOEXEC, 0)), "/proc");
    if (!names) {
        return names.error();
    }
    const auto boot = boot_time();
    std::vector<Process> processes;
    for (const std::string& name : *names) {
        const auto pid = number_in<std::uint32_t>(name);
        if (!pid) {
            continue;
        }
        // Its files are opened from here, so they are all of one process, even if the number is used again.
        const FileDescriptor folder(::openat(proc.get(), name.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
        const auto stat = folder ? stat_of(folder) : std::nullopt;
        if (!stat) {
            continue;  // it has ended since the folder was listed
        }
        processes.push_back({*pid, stat->parent, executable_name(folder).value_or(stat->name), command_line(folder),
                             start_of(*stat, boot), stat->state == 'D' ? kernel_function(folder) : std::string()});
    }
    std::sort(processes.begin(), processes.end(), [](const Process& a, const Process& b) { return a.pid < b.pid; });
    return processes;
}

Result<CommandOutput> LinuxProcesses::query(const Command& command) const {
    return run_command(command);
}

Result<CommandOutput> LinuxProcesses::run(const Command& command) {
    return run_command(command);
}

Result<void> LinuxProcesses::end(std::uint32_t pid, std::chrono::system_clock::time_point started) {
    const auto what = fmt::format("process {}", pid);
    const FileDescriptor process(::open(fmt::format("/proc/{}", pid).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!process) {
        return system_error("cannot end " + what);
    }
    const auto stat = stat_of(process);
    if (!stat) {
        return Error{ErrorKind::not_found, what + " has ended", 0};
    }
    // The boot time is worked out of two clocks, so it can lie a second beside that of the list.
    if (std::chrono::abs(start_of(*stat, boot_time()) - started) > std::chrono::seconds(1)) {
        return Error{ErrorKind::refused, fmt::format("{} is another one by now: {}", what, stat->name), 0};
    }
    if (send_signal(process, static_cast<pid_t>(pid), SIGKILL) != 0) {
        return system_error("cannot end " + what);
    }
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    while (std::chrono::steady_clock::now() < limit) {
        const auto now = stat_of(process);
        if (!now || now->state == 'Z' || now->state == 'X') {
            return {};
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return Error{ErrorKind::timed_out, what + " was ended, but still is there after 5 seconds", 0};
}

}  // namespace machine::local
