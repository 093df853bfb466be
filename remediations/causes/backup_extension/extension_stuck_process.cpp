#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <boost/algorithm/string/predicate.hpp>

#include "remediations/machine/process_list.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::extension_stuck_process {

using machine::Machine;
using machine::Process;

namespace {

/// A snapshot takes minutes, and Azure gives up after 140 of them; no run of the extension lasts longer.
constexpr auto longest_run = std::chrono::hours(6);
constexpr auto windows_program = "IaaSBcdrExtension.exe";

std::string how_to_end(const Machine& machine, const std::vector<std::string>& pids) {
    if (machine.facts().platform == machine::Platform::linux) return fmt::format("kill {}", fmt::join(pids, " "));
    return fmt::format("taskkill /F /PID {}", fmt::join(pids, " /PID "));
}

/// Returns false for handle_host_daemon.py, which is a service that always runs.
bool belongs_to_a_backup(const Process& process) {
    if (process.name == "safefreeze" || boost::iequals(process.name, windows_program)) return true;
    const auto is_program = [](const std::string& word) {
        const bool by_name = word.ends_with("main/handle.py");
        const bool by_path = word.find("Microsoft.Azure.RecoveryServices.VMSnapshotLinux-") != std::string::npos &&
                             (word.ends_with("main/handle.sh") || word.ends_with("/safefreeze"));
        return by_name || by_path;
    };
    return std::ranges::any_of(process.command_line, is_program);
}

/// Returns true if the process belongs to the extension for certain. Other programs use the name handle.py too; the
/// extension's has its two arguments.
bool is_certain(const Process& process) {
    const auto is_argument = [](const std::string& word) { return word.starts_with("-seqNo:"); };
    const auto names_extension = [](const std::string& word) {
        return word.find("VMSnapshotLinux") != std::string::npos;
    };
    return process.name == "safefreeze" || boost::iequals(process.name, windows_program) ||
           std::ranges::any_of(process.command_line, is_argument) ||
           std::ranges::any_of(process.command_line, names_extension);
}

Finding diagnose(const Machine& machine) {
    const auto& processes = machine.derived<machine::ProcessList>().processes();
    if (!processes) return Finding::unknown("the list of processes", processes.error());
    const auto now = machine.facts().now;
    std::vector<Evidence> evidence;
    std::vector<std::string> pids;
    bool freezes = false;
    bool in_kernel = false;
    for (const auto& process : *processes) {
        const bool has_start = process.started != std::chrono::system_clock::time_point{};
        if (!has_start || now - process.started < longest_run) continue;
        if (!process.of_system || !belongs_to_a_backup(process) || !is_certain(process)) continue;
        const auto age = std::chrono::duration_cast<std::chrono::hours>(now - process.started);
        evidence.push_back(
            {fmt::format(
                 "process {} ({})", process.pid,
                 process.command_line.empty() ? process.name : fmt::format("{}", fmt::join(process.command_line, " "))),
             fmt::format("runs for {} hours{}", age.count(),
                         process.blocked_in.empty() ? std::string() : ", blocked in " + process.blocked_in),
             fmt::format("at most {} hours", longest_run.count())});
        pids.push_back(std::to_string(process.pid));
        freezes = freezes || process.name == "safefreeze";
        in_kernel = in_kernel || !process.blocked_in.empty();
    }
    if (pids.empty()) return Finding::healthy("No process of the backup extension hangs.");
    std::string action =
        freezes ? "First let safefreeze thaw the file systems: kill -USR1 <its process id>, and wait a minute. " : "";
    action += in_kernel
                  ? "A process that is blocked in the kernel cannot be ended: find the disk or network file system "
                    "it waits for and repair it, or restart the VM. "
                  : fmt::format("Make sure in the vault that no backup of this VM runs, then end it: {}. ",
                                how_to_end(machine, pids));
    action += "As long as it is there, this program takes it for a running backup and changes nothing.";
    return Finding::needs_operator("A backup that cannot be running any more has left a process behind.",
                                   std::move(evidence), std::move(action));
}

}  // namespace

Remediation remediation() {
    return {
        .id = "extension-stuck-process",
        .title = "A process of the backup extension hangs",
        .layer = Layer::backup_extension,
        .scope = Scope::both,
        .error_codes = {"GuestAgentSnapshotTaskStatusError", "ExtensionOperationInProgress", "BMSUserErrorObjectLocked",
                        "UserErrorOperationInProgress", "1011"},
        .disruption = Disruption::none,
        .explanation =
            "A run of the extension takes minutes. One that is still there after six hours hangs, holds its lock file, "
            "and the next backup starts beside it. Whether file systems are frozen by it is for a person to see before "
            "it is ended; killing safefreeze hard would leave them frozen.",
        .source = "https://github.com/Azure/azure-linux-extensions/issues/1680",
        .signals = {{.role = Role::proof, .line = {Log::agent, "Timeout("}, .with = {"VMSnapshotLinux"}}},
        .consequences = {"extension-error", "backup-attempt-failed"},
        .diagnose = diagnose,
    };
}

}  // namespace remediations::causes::extension_stuck_process
