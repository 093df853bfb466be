#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "remediations/machine/machine.hpp"

namespace remediations::log_machine {

/// 2026-11-21 12:00:00 UTC, when the machines below are looked at.
inline const std::chrono::system_clock::time_point now =
    std::chrono::sys_days(std::chrono::year(2026) / 11 / 21) + std::chrono::hours(12);

inline machine::Error unused() {
    return machine::Error::unsupported("not part of this test");
}

/// Files in memory that can be read; nothing else.
class LogFolder : public machine::Files {
public:
    struct Content {
        std::string text;
        machine::FileStatus status;
    };
    std::map<machine::Path, Content> files;
    std::size_t most_at_once = ~std::size_t{0};  ///< what one read_range gives at most

    void add(const machine::Path& path, std::string text, std::chrono::hours age = std::chrono::hours(0)) {
        machine::FileStatus status;
        status.size = text.size();
        status.modified = now - age;
        files[path] = {std::move(text), status};
    }

    machine::Result<machine::FileStatus> status(const machine::Path& path) const override {
        const auto file = files.find(path);
        return file == files.end() ? machine::Result<machine::FileStatus>(missing(path)) : file->second.status;
    }
    machine::Result<std::string> read(const machine::Path& path, std::size_t) const override {
        const auto file = files.find(path);
        return file == files.end() ? machine::Result<std::string>(missing(path)) : file->second.text;
    }
    machine::Result<std::string> read_range(const machine::Path& path, std::uint64_t offset,
                                            std::size_t length) const override {
        const auto file = files.find(path);
        if (file == files.end()) {
            return missing(path);
        }
        const auto& text = file->second.text;
        return text.substr(std::min<std::size_t>(offset, text.size()), std::min(length, most_at_once));
    }
    machine::Result<std::vector<std::string>> list(const machine::Path& directory) const override {
        std::vector<std::string> names;
        for (const auto& [path, file] : files) {
            if (!path.starts_with(directory) || path.size() <= directory.size() + 1) {
                continue;
            }
            const auto rest = path.substr(directory.size() + 1);
            const auto name = rest.substr(0, rest.find_first_of("/\\"));
            if ((path[directory.size()] == '/' || path[directory.size()] == '\\') &&
                std::find(names.begin(), names.end(), name) == names.end()) {
                names.push_back(name);
            }
        }
        return names.empty() ? machine::Result<std::vector<std::string>>(missing(directory)) : names;
    }
    machine::Result<machine::Space> space(const machine::Path&) const override { return unused(); }
    machine::Result<void> write(const machine::Path&, const std::string&, std::uint32_t) override { return unused(); }
    machine::Result<void> set_permissions(const machine::Path&, const machine::FilePermissions&) override {
        return unused();
    }
    machine::Result<void> move(const machine::Path&, const machine::Path&) override { return unused(); }
    machine::Result<void> remove(const machine::Path&) override { return unused(); }
    machine::Result<void> create_folder(const machine::Path&, std::uint32_t) override { return unused(); }

private:
    static machine::Error missing(const machine::Path& path) {
        return machine::Error::not_found(path + ": does not exist", 2);
    }
};

/// Programs that answer what they are told to.
class LogPrograms : public machine::Processes {
public:
    std::map<std::string, machine::Result<machine::CommandOutput>> answers;

    machine::Result<std::vector<machine::Process>> list() const override { return unused(); }
    machine::Result<machine::CommandOutput> query(const machine::Command& command) const override {
        const auto answer = answers.find(command.program);
        if (answer == answers.end()) {
            return machine::Error::not_found(command.program + ": does not exist", 2);
        }
        return answer->second;
    }
    machine::Result<machine::CommandOutput> run(const machine::Command&) override { return unused(); }
};

struct LogMachine {
    LogFolder* files = nullptr;
    LogPrograms* programs = nullptr;
    machine::Machine machine;

    explicit LogMachine(machine::Platform platform = machine::Platform::linux) : LogMachine(parts(platform)) {}

private:
    explicit LogMachine(machine::MachineParts parts)
        : files(static_cast<LogFolder*>(parts.files.get())),
          programs(static_cast<LogPrograms*>(parts.processes.get())),
          machine(std::move(parts)) {}

    static machine::MachineParts parts(machine::Platform platform) {
        machine::MachineParts result;
        result.facts.platform = platform;
        result.facts.now = now;
        result.facts.system_drive = platform == machine::Platform::windows ? "C:" : "";
        result.files = std::make_unique<LogFolder>();
        result.processes = std::make_unique<LogPrograms>();
        return result;
    }
};

}  // namespace remediations::log_machine
