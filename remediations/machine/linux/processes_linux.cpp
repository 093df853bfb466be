#include "remediations/machine/linux/processes_linux.hpp"

#include <fcntl.h>

#include <charconv>
#include <filesystem>

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

/// The executable's file name where it may be seen: only root may see everybody's.
std::optional<std::string> executable_name(const std::string& folder) {
    std::error_code error;
    std::string path = std::filesystem::read_symlink(folder + "/exe", error).string();
    if (error) {
        return std::nullopt;
    }
    constexpr std::string_view replaced = " (deleted)";
    if (path.ends_with(replaced)) {
        path.resize(path.size() - replaced.size());
    }
    return path.substr(path.rfind('/') + 1);
}

std::vector<std::string> command_line(const std::string& folder) {
    const auto text = read_regular_file(folder + "/cmdline", command_line_limit);
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
    return ProcessStat{std::string(text.substr(open + 2, close - open - 2)), *parent};
}

Result<std::vector<Process>> LinuxProcesses::list() const {
    FileDescriptor proc(::open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!proc) {
        return system_error("cannot open folder /proc");
    }
    const auto names = names_in(std::move(proc), "/proc");
    if (!names) {
        return names.error();
    }
    std::vector<Process> processes;
    for (const std::string& name : *names) {
        const auto pid = number_in<std::uint32_t>(name);
        if (!pid) {
            continue;
        }
        const std::string folder = "/proc/" + name;
        const auto text = read_regular_file(folder + "/stat", 4096);
        const auto stat = text ? parse_process_stat(*text) : std::nullopt;
        if (!stat) {
            continue;  // it has ended since the folder was listed
        }
        processes.push_back({*pid, stat->parent, executable_name(folder).value_or(stat->name), command_line(folder)});
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

}  // namespace machine::local
