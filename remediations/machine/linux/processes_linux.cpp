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
#include "remediations/machine/linux/unanswered.hpp"
#include "remediations/machine/run_command.hpp"
#include "remediations/machine/time_limit.hpp"

namespace machine::local {

namespace {

/// The kernel blocks when it reads a process's words from memory that waits for a dead server. Then there is no list.
constexpr auto list_limit = std::chrono::seconds(10);

/// The limit for processes of other users, because anybody can start many. Only their names count.
constexpr std::size_t most_of_others = 50000;

template <class Number>
std::optional<Number> number_in(std::string_view text) {
    Number number{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc() && end == text.data() + text.size() ? std::optional(number) : std::nullopt;
}

/// Returns a file in the folder of a process; nullopt where it may not be read or has more than `limit` bytes.
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

/// Returns the executable's file name where it may be read: only root may read everybody's.
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
    const FileDescriptor file(::openat(process.get(), "cmdline", O_RDONLY | O_CLOEXEC));
    std::array<char, Processes::command_line_bytes> bytes;
    std::size_t size = 0;
    while (file && size < bytes.size()) {
        const ssize_t count = ::read(file.get(), bytes.data() + size, bytes.size() - size);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) break;
        size += static_cast<std::size_t>(count);
    }
    return parse_command_line({bytes.data(), size});
}

/// Returns the line of /proc/<pid>/status that begins with `label`, without the label.
std::string_view status_line(std::string_view status, std::string_view label) {
    for (std::size_t at = status.find(label); at != status.npos; at = status.find(label, at + 1)) {
        // The first line holds the name, in which a line break is written as \n.
        if (at != 0 && status[at - 1] != '\n') continue;
        const auto begin = at + label.size();
        return status.substr(begin, status.find('\n', begin) - begin);
    }
    return {};
}

std::vector<std::string_view> fields_of(std::string_view line) {
    std::vector<std::string_view> fields;
    for (auto at = line.find_first_not_of(" \t"); at != line.npos; at = line.find_first_not_of(" \t", at)) {
        const auto end = std::min(line.find_first_of(" \t", at), line.size());
        fields.push_back(line.substr(at, end - at));
        at = end;
    }
    return fields;
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

std::vector<std::string> parse_command_line(std::string_view text) {
    text = text.substr(0, Processes::command_line_bytes);
    std::vector<std::string> words;
    while (!text.empty() && words.size() < Processes::command_line_words) {
        const auto end = std::min(text.find('\0'), text.size());
        words.emplace_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return words;
}

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

/// Signals exactly the process of this folder in /proc; kernels before 5.1 can signal only by number.
int send_signal(const FileDescriptor& process, pid_t pid, int signal) {
    constexpr long pidfd_send_signal = 424;  // the same on every architecture; old headers lack its name
    if (::syscall(pidfd_send_signal, process.get(), signal, nullptr, 0) == 0) return 0;
    return errno == ENOSYS ? ::kill(pid, signal) : -1;
}

}  // namespace

std::optional<ProcessIdentity> parse_process_identity(std::string_view status) {
    const auto users = fields_of(status_line(status, "Uid:"));  // real, effective, saved, of the file system
    if (users.size() != 4) return std::nullopt;
    ProcessIdentity identity;
    // The real one too: whoever starts a program with the set-user-id bit chooses its name and words.
    identity.is_root = std::ranges::all_of(users, [](auto user) { return user == "0"; });
    // Linux 4.1 and later: its number in our namespace, then in each one within.
    identity.namespaces = fields_of(status_line(status, "NSpid:")).size();
    return identity;
}

namespace {

std::optional<ProcessIdentity> identity_of(const FileDescriptor& process) {
    const auto text = text_of(process, "status", 65536);
    return text ? parse_process_identity(*text) : std::nullopt;
}

/// Returns the PID namespace of a process; nullopt where it may not be read.
std::optional<std::string> pid_namespace(const FileDescriptor& process) {
    std::array<char, 64> target;
    const ssize_t size = ::readlinkat(process.get(), "ns/pid", target.data(), target.size());
    return size < 0 ? std::nullopt : std::optional(std::string(target.data(), static_cast<std::size_t>(size)));
}

/// This process as the mounted /proc shows it.
struct Self {
    std::uint32_t pid = 0;
    ProcessIdentity identity;
    std::optional<std::string> pid_namespace;
};

std::optional<Self> self_in(const FileDescriptor& proc) {
    std::array<char, 32> target;
    const ssize_t size = ::readlinkat(proc.get(), "self", target.data(), target.size());
    if (size < 0) return std::nullopt;
    const auto pid = number_in<std::uint32_t>({target.data(), static_cast<std::size_t>(size)});
    const FileDescriptor folder(::openat(proc.get(), "self", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    const auto identity = folder ? identity_of(folder) : std::nullopt;
    if (!pid || !identity) return std::nullopt;
    return Self{*pid, *identity, pid_namespace(folder)};
}

/// Returns true if the system runs the process: it belongs to root and is not in a container.
bool is_of_system(const FileDescriptor& process, const Self& self) {
    const auto identity = identity_of(process);
    if (!identity || !identity->is_root) return false;
    if (identity->namespaces != 0 && self.identity.namespaces != 0) {
        return identity->namespaces == self.identity.namespaces;
    }
    const auto name_space = pid_namespace(process);
    return !name_space || !self.pid_namespace || *name_space == *self.pid_namespace;
}

Result<std::vector<Process>> read_processes() {
    const FileDescriptor proc(::open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!proc) {
        return system_error("cannot open folder /proc");
    }
    const auto self = self_in(proc);
    if (!self) {
        return Error::failed("/proc does not show this program, so not what else runs either");
    }
    const auto names = names_in(FileDescriptor(::fcntl(proc.get(), F_DUPFD_CLOEXEC, 0)), "/proc");
    if (!names) {
        return names.error();
    }
    const auto boot = boot_time();
    std::vector<Process> processes;
    std::size_t others = 0;
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
        const bool of_system = is_of_system(folder, *self);
        if (!of_system && ++others > most_of_others) continue;
        processes.push_back({*pid, stat->parent, executable_name(folder).value_or(stat->name),
                             of_system ? command_line(folder) : std::vector<std::string>(), start_of(*stat, boot),
                             stat->state == 'D' ? kernel_function(folder) : std::string(), of_system});
    }
    if (std::ranges::find(processes, self->pid, &Process::pid) == processes.end()) {
        return Error::failed("/proc does not list this program, so not what else runs either");
    }
    std::ranges::sort(processes, {}, &Process::pid);
    return processes;
}

}  // namespace

Result<std::vector<Process>> LinuxProcesses::list() const {
    return with_time_limit<std::vector<Process>>(list_limit, "list the processes", read_processes);
}

namespace {

/// Returns an error where the program's file system does not answer. The start of a program waits until the kernel has
/// opened it, and all other starts wait behind it; so this is checked first.
std::optional<Error> why_not_to_start(const Command& command) {
    const auto& program = command.program;
    const auto seen = ask_file_system<void>(program, "start " + program, [program]() -> Result<void> {
        struct stat status {};
        (void)::stat(program.c_str(), &status);  // what it says is for the start itself to tell
        return {};
    });
    return seen ? std::nullopt : std::optional(seen.error());
}

}  // namespace

Result<CommandOutput> LinuxProcesses::query(const Command& command) const {
    if (auto error = why_not_to_start(command)) return *error;
    return query_command(command);
}

Result<CommandOutput> LinuxProcesses::run(const Command& command) {
    if (auto error = why_not_to_start(command)) return *error;
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
        return Error::not_found(what + " has ended");
    }
    // The boot time is worked out of two clocks, so it can lie a second beside that of the list.
    if (std::chrono::abs(start_of(*stat, boot_time()) - started) > std::chrono::seconds(1)) {
        return Error::refused(fmt::format("{} is another one by now: {}", what, stat->name));
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
    return Error::timed_out(what + " was ended, but still is there after 5 seconds");
}

}  // namespace machine::local
