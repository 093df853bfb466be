#include "remediations/knowledge/logs/log_files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <utility>

#include "remediations/knowledge/configuration/agent_configuration.hpp"

namespace remediations {
namespace {

constexpr auto longest_interest = std::chrono::hours(35 * 24);

using NameTest = std::function<bool(std::string_view)>;

/// Compares numbers in names as numbers: IaaSBcdrExtension9.log is before IaaSBcdrExtension10.log.
bool natural_less(std::string_view left, std::string_view right) {
    const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
    while (!left.empty() && !right.empty()) {
        if (is_digit(left.front()) && is_digit(right.front())) {
            const auto digits = [&](std::string_view& text) {
                auto run = text.substr(0, std::min(text.find_first_not_of("0123456789"), text.size()));
                text.remove_prefix(run.size());
                run.remove_prefix(std::min(run.find_first_not_of('0'), run.size()));
                return run;
            };
            const auto left_digits = digits(left);
            const auto right_digits = digits(right);
            if (left_digits != right_digits) {
                return std::pair(left_digits.size(), left_digits) < std::pair(right_digits.size(), right_digits);
            }
        } else if (left.front() != right.front()) {
            return left.front() < right.front();
        } else {
            left.remove_prefix(1);
            right.remove_prefix(1);
        }
    }
    return left.size() < right.size();
}

/// "1.0.9120.0"
bool is_version(std::string_view name) {
    return name.find('.') != std::string_view::npos && name.find_first_not_of("0123456789.") == std::string_view::npos;
}

Compression compression_of(std::string_view name) {
    if (name.ends_with(".gz")) {
        return Compression::gzip;
    }
    for (const std::string_view ending : {".xz", ".bz2", ".zst", ".lz4", ".lzma", ".Z", ".zip"}) {
        if (name.ends_with(ending)) {
            return Compression::unsupported;
        }
    }
    return Compression::none;
}

/// Returns true for live.1, live.2.gz and so on.
bool is_numbered(std::string_view name, std::string_view live) {
    return !live.empty() && name.starts_with(live) && name.substr(live.size()).starts_with(".");
}

class Search {
public:
    Search(const machine::Machine& machine, LogFiles& found) : machine_(machine), found_(found) {}

    /// Adds the files of one log in one folder, oldest first. Returns true if there are any. `live` is the name of the
    /// file that is still written, if there is one: it comes last and is never too old.
    bool add(Log log, const machine::Path& folder, std::string_view live, const NameTest& wanted,
             const LogFile& like = {}) {
        const char separator = machine_.facts().platform == machine::Platform::windows ? '\\' : '/';
        auto names = machine_.files().list(folder);
        if (!names && names.error().kind == machine::ErrorKind::not_found) {
            return false;
        }
        if (!names) {
            // The log itself may be readable all the same.
            if (live.empty() || !machine_.files().status(folder + separator + std::string(live))) {
                found_.unreadable.push_back({log, folder, names.error()});
                return false;
            }
            names = std::vector<std::string>{std::string(live)};
        }
        std::vector<std::pair<std::string, LogFile>> files;
        for (const auto& name : *names) {
            if (!wanted(name)) {
                continue;
            }
            LogFile file = like;
            file.log = log;
            file.path = folder + separator + name;
            file.compression = compression_of(name);
            const auto status = machine_.files().status(file.path);
            if (!status) {
                if (status.error().kind == machine::ErrorKind::not_found) {
                    continue;  // rotated away just now
                }
                found_.unreadable.push_back({log, file.path, status.error()});
                continue;
            }
            if (status->kind == machine::FileKind::symlink) {
                found_.unreadable.push_back(
                    {log, file.path,
                     machine::Error::unsupported(fmt::format(
                         "{}: is a symbolic link, where a log is a file; it was not followed", file.path))});
                continue;
            }
            file.status = *status;
            if (status->kind == machine::FileKind::regular && (name == live || !is_too_old(*status))) {
                files.emplace_back(name, std::move(file));
            }
        }
        const auto age_order = [&](const auto& left, const auto& right) {
            const bool left_live = left.first == live;
            const bool right_live = right.first == live;
            if (left_live != right_live) {
                return right_live;
            }
            if (left.second.status.modified != right.second.status.modified) {
                return left.second.status.modified < right.second.status.modified;
            }
            // Copied files may all have one time. Of numbered ones the higher is older; of dated ones the lower, and
            // they come first, for nobody goes back to them.
            const bool left_numbered = is_numbered(left.first, live);
            const bool right_numbered = is_numbered(right.first, live);
            if (left_numbered != right_numbered) {
                return right_numbered;
            }
            return left_numbered ? natural_less(right.first, left.first) : natural_less(left.first, right.first);
        };
        std::ranges::sort(files, age_order);
        for (auto& [name, file] : files) {
            found_.files.push_back(std::move(file));
        }
        return !files.empty();
    }

    bool add_rotated(Log log, const machine::Path& folder, std::string_view base, const LogFile& like = {}) {
        return add(
            log, folder, base, [base](std::string_view name) { return is_log_name(name, base); }, like);
    }

private:
    /// Returns false for a file of unknown age, because it may be new.
    bool is_too_old(const machine::FileStatus& status) const {
        const bool is_known = status.modified != std::chrono::system_clock::time_point{};
        return is_known && status.modified + longest_interest < machine_.facts().now;
    }

    const machine::Machine& machine_;
    LogFiles& found_;
};

void find_on_linux(const machine::Machine& machine, LogFiles& found) {
    Search search(machine, found);
    LogFile system_log;
    system_log.has_host = true;
    if (!search.add_rotated(Log::agent, "/var/log", "waagent.log")) {
        system_log.lines = LogFile::Lines::of_the_agent;
        if (!search.add_rotated(Log::agent, "/var/log", "messages", system_log)) {
            search.add_rotated(Log::agent, "/var/log", "syslog", system_log);
        }
    }

    machine::Path logs = "/var/log/azure";
    if (const auto& configuration = AgentConfiguration::of(machine)) {
        logs = configuration->text_of("Extension.LogDir", logs);
    }
    const auto backup = logs + "/Microsoft.Azure.RecoveryServices.VMSnapshotLinux";
    // Old agents gave each version of an extension a folder of its own.
    std::vector<machine::Path> folders;
    if (auto names = machine.files().list(backup)) {
        std::erase_if(*names, [](const std::string& name) { return !is_version(name); });
        std::ranges::sort(*names, natural_less);
        for (const auto& name : *names) folders.push_back(backup + "/" + name);
    }
    folders.push_back(backup);
    for (const auto& folder : folders) {
        search.add_rotated(Log::extension, folder, "extension.log");
        search.add_rotated(Log::extension_shell, folder, "shell.log");
        search.add_rotated(Log::commands, folder, "CommandExecution.log");
    }

    system_log.lines = LogFile::Lines::all;
    if (!search.add_rotated(Log::kernel, "/var/log", "kern.log", system_log)) {
        system_log.lines = LogFile::Lines::of_the_kernel;
        if (!search.add_rotated(Log::kernel, "/var/log", "messages", system_log)) {
            search.add_rotated(Log::kernel, "/var/log", "syslog", system_log);
        }
    }
    search.add_rotated(Log::audit, "/var/log/audit", "audit.log");
}

void find_on_windows(const machine::Machine& machine, LogFiles& found) {
    Search search(machine, found);
    const auto& drive = machine.facts().system_drive;
    const auto logs = (drive.empty() ? "C:" : drive) + "\\WindowsAzure\\Logs";
    search.add(Log::agent, logs, "WaAppAgent.log", [](std::string_view name) {
        return name.starts_with("WaAppAgent.") && name.find("log") != std::string_view::npos;
    });
    search.add(Log::agent_installer, logs, "TransparentInstaller.log", [](std::string_view name) {
        return name.starts_with("TransparentInstaller.") && name.find("log") != std::string_view::npos;
    });
    // One folder for each version of the extension.
    const auto backup = logs + "\\Plugins\\Microsoft.Azure.RecoveryServices.VMSnapshot";
    auto versions = machine.files().list(backup);
    if (!versions) {
        return;
    }
    std::ranges::sort(*versions, natural_less);
    for (const auto& version : *versions) {
        const auto folder = backup + '\\' + version;
        search.add(Log::extension, folder, "", [](std::string_view name) {
            return name.starts_with("IaaSBcdrExtension") && name.find(".log") != std::string_view::npos;
        });
        search.add_rotated(Log::commands, folder, "CommandExecution.log");
    }
    std::ranges::stable_sort(found.files, [](const LogFile& left, const LogFile& right) {
        return std::pair(left.log, left.status.modified) < std::pair(right.log, right.status.modified);
    });
}

}  // namespace

LogFiles find_log_files(const machine::Machine& machine) {
    LogFiles found;
    if (machine.facts().platform == machine::Platform::windows) {
        find_on_windows(machine, found);
    } else {
        find_on_linux(machine, found);
    }
    return found;
}

bool is_log_name(std::string_view name, std::string_view base) {
    if (!name.starts_with(base)) {
        return false;
    }
    name.remove_prefix(base.size());
    if (name.empty()) {
        return true;
    }
    const bool numbered = name.size() > 1 && (name[0] == '.' || name[0] == '-') && name[1] >= '0' && name[1] <= '9';
    return numbered || name == ".old" || name == ".gz" || name.starts_with(".old.");
}

}  // namespace remediations
