#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "remediations/knowledge/configuration/vmbackup_configuration.hpp"
#include "remediations/knowledge/logs/log_evidence.hpp"
#include "remediations/knowledge/snapshot/fanotify_listeners.hpp"
#include "remediations/knowledge/snapshot/freeze_targets.hpp"
#include "remediations/machine/process_list.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::freeze_hung {

namespace {

constexpr auto safefreeze = "safefreeze";
/// Time for the freeze itself, which comes before the time that safefreeze counts: a busy file system first writes its
/// dirty data.
constexpr auto allowance = std::chrono::minutes(10);
constexpr auto hung_task = " blocked for more than ";

/// Returns a safefreeze that runs far beyond its time.
const machine::Process* overdue(const machine::Machine& machine, const std::vector<machine::Process>& processes) {
    const auto found = std::ranges::find_if(processes, [&](const machine::Process& process) {
        if (!process.of_system || process.name != safefreeze ||
            process.started == std::chrono::system_clock::time_point{}) {
            return false;
        }
        const auto limit = process.command_line.size() > 1 ? python_integer(process.command_line[1]) : std::nullopt;
        const auto longest = std::chrono::seconds(limit.value_or(default_freeze_timeout)) + allowance;
        return machine.facts().now - process.started > longest;
    });
    return found == processes.end() ? nullptr : &*found;
}

/// Returns the mounts that it was told to freeze, in its order.
std::vector<std::string> mounts_of(const machine::Process& process) {
    if (process.command_line.size() < 3) return {};
    return {process.command_line.begin() + 2, process.command_line.end()};
}

Finding diagnose(const machine::Machine& machine) {
    const auto& processes = machine.derived<machine::ProcessList>().processes();
    if (!processes) return Finding::unknown("the list of processes", processes.error());
    const auto* process = overdue(machine, *processes);
    if (!process) return Finding::healthy("No freeze of a file system hangs.");
    const auto age = std::chrono::duration_cast<std::chrono::minutes>(machine.facts().now - process->started);
    std::vector<Evidence> evidence{
        {fmt::format("process {} (pid {})", fmt::join(process->command_line, " "), process->pid),
         fmt::format("runs for {} minutes{}", age.count(),
                     process->blocked_in.empty() ? std::string() : ", blocked in " + process->blocked_in),
         "ends by itself after its time limit"}};
    const auto& logs = machine.derived<LogEvidence>();
    if (const auto* attempt = logs.newest_attempt(); attempt && !attempt->succeeded) {
        evidence.push_back({"steps of the last backup",
                            fmt::format("stopped at step {} of 9, without an end", attempt->last_step), "all 9 steps"});
    }
    if (const auto* hung = logs.find_current(Log::kernel, hung_task)) {
        evidence.push_back(hung->newest.evidence("no such line"));
    }
    const auto listeners = fanotify_listeners(machine);
    for (const auto& listener : listeners) {
        evidence.push_back({"process " + listener, "lets every access to a file wait for its answer", ""});
    }
    const auto mounts = mounts_of(*process);
    const auto first = mounts.empty() ? std::string("MOUNTPOINT") : mounts.front();
    auto advice = fmt::format(
        "End it (`kill {}`) and thaw what it froze (`fsfreeze -u {}`, last the root; if nothing reacts any more, "
        "SysRq j over the serial console). Then see why the freeze of {} does not return: `dmesg` for errors and hung "
        "tasks of its disk, `sync` for how long its writeback takes, and a quieter hour for the backup where the disk "
        "is only slow.",
        process->pid, fmt::join(mounts.empty() ? std::vector<std::string>{first} : mounts, "`, `fsfreeze -u "), first);
    if (!listeners.empty()) {
        advice = fmt::format(
            "Exempt the backup from {}: a program that answers for every access to a file and then "
            "waits on a frozen file system stops safefreeze itself. Move its log and database off the "
            "frozen file systems, or update it. {}",
            listeners.front(), advice);
    }
    return Finding::needs_operator(
        fmt::format("The freeze of {} hangs: safefreeze has been at it for {} minutes, and the backup waits for it.",
                    mounts.empty() ? "the file systems" : fmt::format("{}", fmt::join(mounts, ", ")), age.count()),
        std::move(evidence), std::move(advice));
}

}  // namespace

Remediation remediation() {
    return {
        .id = "freeze-hung",
        .title = "The freeze of a file system does not return",
        .layer = Layer::os_snapshot,
        .scope = Scope::linux,
        .error_codes = {"UserErrorFsFreezeFailed", "UserErrorFsFreezeTimeout", "GuestAgentSnapshotTaskStatusError",
                        "GuestAgentSnapshotTaskStatusErrorLin", "121", "122"},
        .disruption = Disruption::none,
        .explanation =
            "Before a file system is frozen the kernel writes back what waits in memory. On a slow or failing disk "
            "that takes longer than the minute a backup allows, or does not end; and a program that answers for "
            "accesses to files (fapolicyd, on-access scanners) can wait for the frozen file system while the freeze "
            "waits for it. The backup then has no end, and the next ones find its process still there.",
        .source = "https://github.com/Azure/azure-linux-extensions/issues/951",
        .signals = {judged(Log::kernel, hung_task)},
        .consequences = {"extension-error", "extension-stuck-process", "extension-run-broke-off", "freeze-failed",
                         "freeze-timeout-too-short", "extension-disk-listing", "backup-extension-state"},
        .diagnose = diagnose,
    };
}

}  // namespace remediations::causes::freeze_hung
