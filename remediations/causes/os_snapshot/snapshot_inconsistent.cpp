#include <fmt/format.h>

#include <optional>

#include "remediations/knowledge/network/snapshot_attempt.hpp"
#include "remediations/knowledge/snapshot/freeze_failures.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::snapshot_inconsistent {

namespace {

constexpr const char* inconsistent_lines[] = {"snapshot result inconsistent", "Snapshots are inconsistent"};
/// safefreeze ended before it was told to thaw: its time was over, or somebody ended it.
constexpr auto ended_early_line = "Binary output after process end when no thaw sent";
constexpr auto freeze_begins = "T:S freeze, timeout value ";

/// Returns the mount that was no longer frozen when safefreeze came to thaw it; nullopt where none is known.
std::optional<MountFailure> thawed_by_another(const machine::Machine& machine) {
    constexpr auto not_frozen = "Invalid argument";
    for (auto& failure : current_mount_failures(machine)) {
        if (failure.step != MountFailure::Step::thaw) return std::nullopt;
        if (failure.reason == not_frozen) return std::move(failure);
    }
    return std::nullopt;
}

Finding diagnose(const machine::Machine& machine) {
    const LogLine* line = nullptr;
    for (const auto* text : inconsistent_lines) {
        if (!line) line = line_of_unsuccessful_attempt(machine, text);
    }
    if (!line) return Finding::healthy("The newest backup's snapshots are not called inconsistent.");
    std::vector<Evidence> evidence{line->evidence("snapshots of file systems that were frozen throughout")};
    if (const auto thawed = thawed_by_another(machine)) {
        evidence.insert(evidence.begin(), thawed->line.evidence("frozen until the backup thaws it"));
        auto finding = Finding::needs_operator(
            fmt::format("The snapshots are inconsistent: {} was no longer frozen when the backup came to thaw it.",
                        thawed->mount_point),
            std::move(evidence),
            fmt::format(
                "Something else thawed it meanwhile: look for another backup program, a script with fsfreeze -u, "
                "or a second mount of the same file system (findmnt {}), and keep it away from the hour of the "
                "backup.",
                thawed->mount_point));
        finding.basis = Basis::last_run;
        return finding;
    }
    const auto* begin = line_of_unsuccessful_attempt(machine, freeze_begins);
    if (begin) evidence.push_back(begin->evidence(""));
    const auto* early = line_of_unsuccessful_attempt(machine, ended_early_line);
    // The freeze lasts a minute at most; well before that only somebody else can have ended it.
    constexpr auto certainly_too_early = std::chrono::seconds(45);
    const bool was_ended =
        early && begin && early->time && begin->time && *early->time - *begin->time < certainly_too_early;
    if (early) evidence.push_back(early->evidence("safefreeze waits for the signal to thaw"));
    auto finding =
        was_ended ? Finding::needs_operator(
                        "The snapshots are inconsistent: safefreeze, which keeps the file systems frozen, ended or was "
                        "killed before the snapshots were taken.",
                        std::move(evidence),
                        "Find out what ended safefreeze (the kernel's log for \"Killed process\" or a crash, audit, a "
                        "security product, somebody's kill), exempt the folder of the backup extension from it, and "
                        "back up again. The freeze itself worked.")
                  : Finding::needs_operator(
                        "The snapshots took longer than the file systems were frozen, so they are inconsistent: the "
                        "thaw came too early for them.",
                        std::move(evidence),
                        "Back up at a quieter hour, when disks are less busy (their limits of operations and "
                        "throughput show in the VM's metrics), or use faster disks; let the snapshot go through the "
                        "host, which is faster (no SnapshotMethod in /etc/azure/vmbackup.conf, 168.63.129.16 "
                        "reachable), and give the freeze more time (timeout = 120 in section [SnapshotThread] of that "
                        "file).");
    finding.basis = Basis::last_run;
    return finding;
}

}  // namespace

Remediation remediation() {
    return {
        .id = "snapshot-inconsistent",
        .title = "The file systems were thawed before the snapshots were taken",
        .layer = Layer::os_snapshot,
        .scope = Scope::linux,
        .error_codes = {"ExtensionSnapshotFailedNoNetwork", "UserErrorFsFreezeTimeout",
                        "GuestAgentSnapshotTaskStatusError", "2"},
        .disruption = Disruption::none,
        .explanation =
            "The extension freezes the file systems, has the snapshots taken and thaws. When the freeze ended before "
            "the last snapshot was there, because its time was over or its program was ended, the snapshots do not "
            "belong together, and the extension fails the backup with result code 2. The extension is not damaged.",
        .source = "https://github.com/Azure/azure-linux-extensions/issues/394",
        .signals = {judged(Log::extension, inconsistent_lines[0]), judged(Log::extension, inconsistent_lines[1]),
                    judged(Log::extension, ended_early_line), judged(Log::extension, freeze_begins)},
        .consequences = {"extension-error", "backup-extension-state", "no-network-catch-all", "freeze-failed"},
        .diagnose = diagnose,
    };
}

}  // namespace remediations::causes::snapshot_inconsistent
