#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

#include "remediations/changes/changes.hpp"
#include "remediations/knowledge/snapshot/freeze_failures.hpp"
#include "remediations/knowledge/snapshot/freeze_targets.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::mounts_listed_twice {

namespace {

/// Only the line with the arguments of safefreeze contains this.
constexpr auto safefreeze_arguments = "/safefreeze', '";

struct Duplicate {
    std::string mount_point;  ///< the mount point to leave out
    std::string other;        ///< the mount point through which the same file system is frozen already
    std::string why;
};

/// Returns the mount points in the list of Python strings that the extension logs; the last may be cut off.
std::vector<std::string> mount_points_in(std::string_view line) {
    std::vector<std::string> mount_points;
    for (auto start = line.find('\''); start != std::string_view::npos; start = line.find('\'', start)) {
        const auto end = line.find('\'', start + 1);
        if (end == std::string_view::npos) break;
        const auto text = line.substr(start + 1, end - start - 1);
        if (text.starts_with('/') && !text.ends_with("/safefreeze")) mount_points.emplace_back(text);
        start = end + 1;
    }
    return mount_points;
}

/// Returns mount points that lead to a file system that is frozen anyway, because a mount on a folder above hides them.
std::vector<Duplicate> hidden_duplicates(const machine::Machine& machine, const std::vector<FreezeTarget>& targets) {
    std::vector<Duplicate> duplicates;
    for (const auto& hidden : targets) {
        if (hidden.skipped || !hidden.hidden_by || is_remote(hidden.hidden_by->type)) continue;
        const auto other = std::ranges::find_if(targets, [&](const auto& one) {
            return !one.skipped && !one.hidden_by && one.file_system() == hidden.file_system();
        });
        // Where nothing is at that path, opening it fails: mount-unreachable.
        if (other == targets.end() || !machine.files().status(hidden.mount_point)) continue;
        duplicates.push_back({hidden.mount_point, other->mount_point,
                              fmt::format("{} was mounted later on {}, so this path is a folder of that file system",
                                          hidden.hidden_by->source, hidden.hidden_by->target)});
    }
    return duplicates;
}

/// Returns mounts of one device on the same folder, one over the other.
std::vector<Duplicate> mounted_on_each_other(const std::vector<machine::Mount>& mounts,
                                             const VmBackupConfiguration& configuration) {
    std::map<std::string, std::vector<const machine::Mount*>> by_target;
    for (const auto& mount : mounts) {
        if (is_freezable(mount.type) && mount.source.starts_with("/dev/")) by_target[mount.target].push_back(&mount);
    }
    std::vector<Duplicate> duplicates;
    for (const auto& [target, stack] : by_target) {
        const bool is_one_device = std::ranges::all_of(stack, [&first = *stack.front()](const auto* one) {
            return file_system_of(*one) == file_system_of(first);
        });
        if (stack.size() < 2 || !is_one_device || configuration.skips(target)) continue;
        duplicates.push_back({target, target, fmt::format("it is mounted {} times on the same folder", stack.size())});
    }
    return duplicates;
}

/// Returns the mounts that exist twice after a freeze that failed as busy: an extension that reads the mount table in
/// another way met them.
std::vector<Duplicate> duplicates_that_failed(const machine::Machine& machine,
                                              const std::vector<machine::Mount>& mounts,
                                              const VmBackupConfiguration& configuration) {
    std::vector<Duplicate> duplicates;
    std::map<std::string, std::vector<const machine::Mount*>> by_target;
    for (const auto& mount : mounts) {
        if (is_freezable(mount.type)) by_target[mount.target].push_back(&mount);
    }
    const auto failures = current_mount_failures(machine);
    std::vector<std::string> failed;
    for (const auto& failure : failures) {
        const bool is_busy = failure.step == MountFailure::Step::freeze && failure.reason == busy;
        const bool is_untold = failure.reason.empty() && failure.step >= MountFailure::Step::freeze;
        if ((is_busy || is_untold) && !configuration.skips(failure.mount_point)) failed.push_back(failure.mount_point);
    }
    const auto* started = machine.derived<LogEvidence>().find_current(Log::extension, safefreeze_arguments);
    const auto asked = started ? mount_points_in(started->newest.text) : std::vector<std::string>();
    for (const auto& mount_point : failed) {
        const auto own = by_target.find(mount_point);
        if (own == by_target.end()) continue;
        if (own->second.size() > 1) {
            // The log names the last one at least; the others are there for the same reason.
            for (auto& same : mounted_on_each_other(mounts, configuration)) duplicates.push_back(std::move(same));
            return duplicates;
        }
        const auto file_system = file_system_of(*own->second.back());
        const auto other = std::ranges::find_if(asked, [&](const auto& one) {
            const auto found = by_target.find(one);
            return one != mount_point && found != by_target.end() && !configuration.skips(one) &&
                   file_system_of(*found->second.back()) == file_system;
        });
        if (other == asked.end()) continue;
        const bool leave_other_out = mount_point == "/";
        duplicates.push_back({leave_other_out ? *other : mount_point, leave_other_out ? mount_point : *other,
                              "both are mounts of the same file system and safefreeze was started with both"});
    }
    return duplicates;
}

/// Judges by the log: the arguments of safefreeze may name a mount point twice.
Finding examine_log_alone(const machine::Machine& machine, const machine::Error& error) {
    const auto* started = machine.derived<LogEvidence>().find_current(Log::extension, safefreeze_arguments);
    auto asked = started ? mount_points_in(started->newest.text) : std::vector<std::string>();
    std::ranges::sort(asked);
    const auto twice = std::ranges::adjacent_find(asked);
    if (twice == asked.end() || last_backup_succeeded(machine)) return Finding::unknown("the mount table", error);
    return Finding::needs_operator(
        fmt::format("The backup was to freeze {} twice.", *twice), {started->newest.evidence("each mount point once")},
        fmt::format("Look with `findmnt` what is mounted twice on {}, unmount the second (`umount {}`) and take it out "
                    "of /etc/fstab.",
                    *twice, *twice));
}

Finding diagnose(const machine::Machine& machine) {
    const auto mounts = machine.mounts().list();
    if (!mounts) return examine_log_alone(machine, mounts.error());
    auto configuration = VmBackupConfiguration::read(machine);
    if (!configuration && configuration.error().kind == machine::ErrorKind::not_captured) {
        configuration = VmBackupConfiguration(std::nullopt);
    }
    if (!configuration) return Finding::unknown(VmBackupConfiguration::path, configuration.error());
    const auto targets = freeze_targets(*mounts, *configuration, machine.derived<ResourceDisk>().device());
    auto duplicates = hidden_duplicates(machine, targets);
    for (auto& failed : duplicates_that_failed(machine, *mounts, *configuration)) {
        const bool known = std::ranges::any_of(duplicates, [&](const auto& one) {
            return one.mount_point == failed.mount_point || one.other == failed.mount_point;
        });
        if (!known) duplicates.push_back(std::move(failed));
    }
    std::vector<Evidence> evidence;
    if (const auto stacked = mounted_on_each_other(*mounts, *configuration);
        duplicates.empty() && !stacked.empty() && !last_backup_succeeded(machine)) {
        for (const auto& one : stacked) {
            evidence.push_back({"mount of " + one.mount_point, one.why, "mounted once"});
        }
        return Finding::needs_operator(
                   fmt::format("{} is mounted more than once; older versions of the extension freeze it as often.",
                               stacked.front().mount_point),
                   std::move(evidence),
                   fmt::format("Unmount the second mount (`umount {}`) and look in /etc/fstab for a second line.",
                               stacked.front().mount_point))
            .as_risk();
    }
    if (duplicates.empty()) {
        evidence.push_back({"mount table",
                            fmt::format("{} mount points to freeze, each of another file system", targets.size()),
                            "no file system twice"});
        return Finding::healthy("The backup freezes no file system twice.", std::move(evidence));
    }
    std::vector<std::string> subjects;
    for (const auto& duplicate : duplicates) {
        for (const auto& mount : *mounts) {
            if (mount.target != duplicate.mount_point) continue;
            evidence.push_back({"mount of " + mount.target, fmt::format("{} type {}", mount.source, mount.type),
                                fmt::format("frozen once; {} (also {})", duplicate.why, duplicate.other)});
        }
        subjects.push_back(duplicate.mount_point);
    }
    for (const auto& failure : current_mount_failures(machine)) {
        evidence.push_back(failure.line.evidence("every file system frozen once"));
    }
    const auto names = fmt::format("{}", fmt::join(subjects, ", "));
    auto summary = fmt::format("The backup freezes the same file system twice, the second time through {}.", names);
    const bool is_root = std::ranges::find(subjects, "/") != subjects.end();
    auto finding =
        is_root
            ? Finding::needs_operator(std::move(summary), std::move(evidence),
                                      "Unmount the second mount of the root file system and take it out of "
                                      "/etc/fstab; the freeze of / cannot be left out.")
            : Finding::broken(std::move(summary), std::move(evidence),
                              fmt::format("Unmount what is mounted twice and take it out of /etc/fstab, or add {} to "
                                          "MountsToSkip in {}.",
                                          names, VmBackupConfiguration::path));
    finding.subjects = std::move(subjects);
    return weighed_by_last_backup(std::move(finding), machine);
}

machine::Result<void> fix(const Finding& finding, Changes& changes) {
    return skip_mounts(changes, finding.subjects);
}

}  // namespace

Remediation remediation() {
    return {
        .id = "mounts-listed-twice",
        .title = "One file system is frozen through two mount points",
        .layer = Layer::os_snapshot,
        .scope = Scope::linux,
        .error_codes = {"UserErrorFsFreezeFailed", "121"},
        .disruption = Disruption::none,
        .explanation =
            "safefreeze freezes each mount point of its list, and a file system that is frozen already refuses: device "
            "or resource busy. Bind mounts alone do no harm, because the extension takes one mount point of each "
            "device. A mount made later on a folder above does: the path below it then leads into the upper file "
            "system. The fix adds the redundant mount point to MountsToSkip in vmbackup.conf, keeping its other "
            "entries; the file system is still frozen through the other one.",
        .source = "https://learn.microsoft.com/azure/backup/backup-azure-vms-troubleshoot",
        .signals = {judged(Log::extension, safefreeze_arguments)},
        .consequences = {"freeze-failed", "snapshot-inconsistent"},
        .diagnose = diagnose,
        .fix = fix,
    };
}

}  // namespace remediations::causes::mounts_listed_twice
