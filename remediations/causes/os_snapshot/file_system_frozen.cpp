#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "remediations/changes/changes.hpp"
#include "remediations/knowledge/configuration/vmbackup_configuration.hpp"
#include "remediations/knowledge/snapshot/freeze_failures.hpp"
#include "remediations/knowledge/snapshot/freeze_targets.hpp"
#include "remediations/machine/process_list.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::file_system_frozen {

namespace {

using namespace std::chrono_literals;

constexpr auto safefreeze = "safefreeze";
/// Time for freezing, which comes before the time that safefreeze counts.
constexpr auto allowance = 180s;
/// A backup that is between freeze and thaw for longer never reaches the thaw.
constexpr auto longest_snapshot = 10min;

/// Parts of the names of kernel functions in which a writing process waits for the end of a freeze.
constexpr std::array<std::string_view, 6> waits_of_writers = {"percpu_rwsem_wait", "percpu_down_read",
                                                              "sb_start_write",    "sb_start_pagefault",
                                                              "sb_start_intwrite", "vfs_check_frozen"};
constexpr int first_frozen_step = 2;
constexpr int last_frozen_step = 7;

constexpr auto by_hand =
    "If the VM does not react to this, send SysRq j (thaw all) over the serial console, or `echo j > "
    "/proc/sysrq-trigger` in a shell that is still open.";

constexpr auto hung_task = " blocked for more than ";
constexpr auto lock_refused = "Failed to open file or aquire lock:";
constexpr auto freeze_begins = "T:S freeze, timeout value ";

std::vector<const machine::Process*> waiting_writers(const std::vector<machine::Process>& processes) {
    std::vector<const machine::Process*> waiting;
    for (const auto& process : processes) {
        const bool waits = std::ranges::any_of(
            waits_of_writers, [&](auto part) { return process.blocked_in.find(part) != std::string::npos; });
        if (waits) waiting.push_back(&process);
    }
    return waiting;
}

/// Returns a safefreeze that runs for longer than the time after which it should thaw.
const machine::Process* overdue_freezer(const machine::Machine& machine,
                                        const std::vector<machine::Process>& processes) {
    for (const auto& process : processes) {
        if (process.name != safefreeze || !process.of_system) continue;
        const auto limit = process.command_line.size() > 1 ? python_integer(process.command_line[1]) : std::nullopt;
        const auto longest = std::chrono::seconds(limit.value_or(default_freeze_timeout)) + allowance;
        if (machine.facts().now - process.started > longest) return &process;
    }
    return nullptr;
}

/// Returns the last run that froze, or began to freeze, and never reached the thaw.
const BackupAttempt* stuck_attempt(const machine::Machine& machine) {
    const auto& log = machine.derived<LogEvidence>();
    const auto* newest = log.newest_attempt();
    if (newest == nullptr || newest->succeeded.has_value() || newest->last_step > last_frozen_step) return nullptr;
    // Without any step: an older version, or a log that could not be written any more.
    const auto* begin = log.find_current(Log::extension, freeze_begins);
    const bool is_between = newest->last_step >= first_frozen_step || begin != nullptr;
    const auto last_seen = newest->ended ? newest->ended : newest->started;
    const bool is_old = !last_seen || machine.facts().now - *last_seen > longest_snapshot;
    return is_between && is_old ? newest : nullptr;
}

/// Judges by the logs where waiting processes cannot be seen: by a message of the kernel, or by a log that ends with
/// the freeze.
Finding examine_logs_alone(const machine::Machine& machine, const machine::Error& error) {
    const auto* attempt = stuck_attempt(machine);
    const auto& log = machine.derived<LogEvidence>();
    const auto* begin = log.find_current(Log::extension, freeze_begins);
    const bool waits_for_lock = log.find_current(Log::extension, lock_refused) != nullptr;
    if (attempt == nullptr || begin == nullptr || waits_for_lock || !attempt->decisive.file.empty()) {
        return Finding::unknown("the processes", error);
    }
    std::vector<Evidence> evidence{
        begin->newest.evidence("lines up to the thaw, and a result"),
        {"steps of the last backup", fmt::format("stopped at step {} of 9, without an end", attempt->last_step),
         "all 9 steps"}};
    if (const auto* hung = log.find_current(Log::kernel, hung_task)) {
        evidence.push_back(hung->newest.evidence("no such line"));
    }
    return Finding::needs_operator(
        "The last backup began to freeze and never came to the thaw: file systems may be frozen still.",
        std::move(evidence),
        fmt::format("Thaw every file system that backups freeze: `fsfreeze -u MOUNTPOINT`. {}", by_hand));
}

Finding diagnose(const machine::Machine& machine) {
    const auto& processes = machine.derived<machine::ProcessList>().processes();
    if (!processes) return examine_logs_alone(machine, processes.error());
    const auto writers = waiting_writers(*processes);
    const auto* freezer = overdue_freezer(machine, *processes);
    const auto* attempt = stuck_attempt(machine);
    std::vector<Evidence> evidence;
    for (const auto* writer : writers) {
        if (evidence.size() == 10) break;
        evidence.push_back({fmt::format("process {} (pid {})", writer->name, writer->pid),
                            "cannot be interrupted, waits in " + writer->blocked_in,
                            "not waiting for the end of a freeze"});
    }
    if (freezer != nullptr) {
        evidence.push_back(
            {fmt::format("process {} (pid {})", safefreeze, freezer->pid),
             fmt::format(
                 "runs since {} minutes",
                 std::chrono::duration_cast<std::chrono::minutes>(machine.facts().now - freezer->started).count()),
             "ends by itself after its time limit"});
    }
    if (attempt != nullptr) {
        evidence.push_back({"steps of the last backup",
                            fmt::format("stopped at step {} of 9, without an end", attempt->last_step), "all 9 steps"});
    }
    if (const auto* hung = machine.derived<LogEvidence>().find_current(Log::kernel, hung_task);
        hung && !writers.empty()) {
        evidence.push_back(hung->newest.evidence("no such line"));
    }
    if (!writers.empty() && (freezer != nullptr || attempt != nullptr)) {
        return Finding::broken(
            "File systems are still frozen from a backup that never thawed them: whatever writes there waits.",
            std::move(evidence),
            fmt::format("Thaw every file system that backups freeze: `fsfreeze -u MOUNTPOINT`. {}", by_hand));
    }
    if (writers.size() >= 3) {
        return Finding::needs_operator(
                   "Several processes wait as they do for a frozen file system, but no backup explains it.",
                   std::move(evidence),
                   fmt::format("Look whether another program froze a file system (`fsfreeze -u MOUNTPOINT` thaws). {}",
                               by_hand))
            .as_risk();
    }
    if (freezer != nullptr) {
        return Finding::healthy("A safefreeze of an earlier backup still runs, but nothing waits for it.",
                                std::move(evidence));
    }
    return Finding::healthy("No file system is frozen.", std::move(evidence));
}

machine::Result<void> fix(const Finding&, Changes& changes) {
    const auto mounts = changes.machine().mounts().list();
    if (!mounts) return mounts.error();
    // Without settings and resource disk, so that nothing that may be frozen is left out.
    auto targets = freeze_targets(*mounts, VmBackupConfiguration(std::nullopt), {});
    // Thaws in the order of safefreeze: the root, which is frozen last, first.
    std::ranges::stable_sort(targets, {}, [](const auto& target) { return target.mount_point.size(); });
    for (const auto& target : targets) {
        if (target.hidden_by) continue;
        if (const auto thawed = changes.thaw(target.mount_point); !thawed) return thawed.error();
    }
    return {};
}

}  // namespace

Remediation remediation() {
    return {
        .id = "file-system-frozen",
        .title = "A file system stayed frozen after a backup",
        .layer = Layer::os_snapshot,
        .scope = Scope::linux,
        .error_codes = {"GuestAgentSnapshotTaskStatusError", "GuestAgentSnapshotTaskStatusErrorLin",
                        "UserErrorGuestAgentStatusUnavailable", "UserErrorFsFreezeFailed", "UserErrorFsFreezeTimeout",
                        "121", "122"},
        .disruption = Disruption::workload,
        .explanation =
            "safefreeze thaws what it froze when the snapshot is taken or its time is over. Where it or the extension "
            "hangs in between, for instance because its own log lies on a frozen file system, everything that writes "
            "there waits for ever. The fix thaws all file systems that a backup freezes; it needs approval, because it "
            "must not hit a freeze that somebody wants. A thaw loses no data.",
        .source = "https://github.com/Azure/azure-linux-extensions/issues/951",
        .signals = {judged(Log::kernel, hung_task), judged(Log::extension, freeze_begins),
                    judged(Log::extension, lock_refused)},
        .consequences = {"extension-error", "freeze-failed", "freeze-timeout-too-short", "mount-unreachable",
                         "freeze-hung", "extension-run-broke-off", "extension-stuck-process"},
        .diagnose = diagnose,
        .fix = fix,
    };
}

}  // namespace remediations::causes::file_system_frozen
