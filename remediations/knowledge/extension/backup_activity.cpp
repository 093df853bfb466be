#include "remediations/knowledge/extension/backup_activity.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <boost/algorithm/string/predicate.hpp>

namespace remediations {

namespace {

machine::Result<std::vector<machine::Process>> backup_processes(const machine::Machine& machine) {
    const auto processes = machine.processes().list();
    if (!processes) return processes.error();
    std::vector<machine::Process> running;
    for (const auto& process : *processes) {
        const auto of_backup =
            machine.facts().platform == machine::Platform::windows
                ? boost::iequals(process.name, "IaaSBcdrExtension.exe")
                : process.name == "safefreeze" || std::ranges::any_of(process.command_line, [](const auto& argument) {
                      return argument.find("Microsoft.Azure.RecoveryServices.VMSnapshotLinux-") != std::string::npos;
                  });
        // Anybody's process, or a container's, can call itself so: it must not keep repairs away.
        if (!of_backup || !process.of_system) continue;
        running.push_back(process);
    }
    return running;
}

}  // namespace

machine::Result<std::vector<std::string>> running_backup_processes(const machine::Machine& machine) {
    const auto processes = backup_processes(machine);
    if (!processes) return processes.error();
    std::vector<std::string> running;
    for (const auto& process : *processes) {
        running.push_back(fmt::format(
            "{} (pid {})",
            process.command_line.empty() ? process.name : fmt::format("{}", fmt::join(process.command_line, " ")),
            process.pid));
    }
    return running;
}

machine::Result<std::optional<std::chrono::system_clock::time_point>> newest_backup_start(
    const machine::Machine& machine) {
    const auto processes = backup_processes(machine);
    if (!processes) return processes.error();
    std::optional<std::chrono::system_clock::time_point> newest;
    for (const auto& process : *processes) newest = newest ? std::max(*newest, process.started) : process.started;
    return newest;
}

std::optional<std::string> why_not_to_disturb(const machine::Machine& machine) {
    const auto running = running_backup_processes(machine);
    if (!running) return fmt::format("it is not known whether a backup runs: {}", running.error().message);
    if (running->empty()) return std::nullopt;
    return fmt::format("a backup is running: {}", fmt::join(*running, ", "));
}

}  // namespace remediations
