#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "remediations/changes/changes.hpp"
#include "remediations/knowledge/snapshot/freeze_failures.hpp"
#include "remediations/knowledge/snapshot/freeze_targets.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::mount_unreachable {

namespace {

struct Unreachable {
    std::string mount_point;  ///< in the extension's spelling
    Evidence evidence;
};

bool failed_to_open(const std::vector<MountFailure>& failures, const std::string& mount_point) {
    return std::ranges::any_of(failures, [&](const auto& one) {
        return one.mount_point == mount_point && one.step <= MountFailure::Step::not_a_directory;
    });
}

/// Returns true if the backup, which runs as root, could not open it either. False where nobody looked, or where only
/// this process may not.
bool is_obstacle(const machine::Error& error) {
    using machine::ErrorKind;
    // The errors of open() and statfs() on a file system that is dead, shut down, gone or cut off: EIO, ENXIO, ENODEV,
    // ENOTDIR, ELOOP, ENOTCONN, EHOSTDOWN, ESTALE, EUCLEAN, ENOMEDIUM of Linux.
    constexpr long dead[] = {5, 6, 19, 20, 40, 107, 112, 116, 117, 123};
    return error.kind == ErrorKind::not_found || error.kind == ErrorKind::timed_out ||
           std::ranges::find(dead, error.code) != std::end(dead);
}

/// Returns why a mount point cannot be opened now; nullopt where it can.
std::optional<std::string> obstacle(const machine::Machine& machine, const FreezeTarget& target, bool failed_before) {
    // The first question has a time limit. A listing, which a dead disk could block, only follows a logged failure.
    const auto said_by = [](const machine::Error& error) {
        return is_obstacle(error) ? std::optional(error.message) : std::nullopt;
    };
    if (const auto space = machine.files().space(target.mount_point); !space) return said_by(space.error());
    if (!failed_before) return std::nullopt;
    const auto status = machine.files().status(target.mount_point);
    if (!status) return said_by(status.error());
    if (status->kind != machine::FileKind::directory) return "it is not a folder";
    const auto names = machine.files().list(target.mount_point);
    return names ? std::nullopt : said_by(names.error());
}

std::vector<Unreachable> unreachable_now(const machine::Machine& machine, const std::vector<FreezeTarget>& targets,
                                         const std::vector<MountFailure>& failures) {
    std::vector<Unreachable> unreachable;
    for (const auto& target : targets) {
        if (target.skipped || (target.hidden_by && is_remote(target.hidden_by->type))) continue;
        const auto why = obstacle(machine, target, failed_to_open(failures, target.mount_point));
        if (!why) continue;
        auto seen = fmt::format("{} type {}: {}", target.mount.source, target.mount.type, *why);
        if (target.hidden_by) {
            seen += fmt::format("; hidden by {} on {}", target.hidden_by->source, target.hidden_by->target);
        }
        unreachable.push_back(
            {target.mount_point, {"mount of " + target.mount_point, std::move(seen), "can be opened"}});
    }
    return unreachable;
}

/// Returns mount points that the extension misspells, because lsblk prints their names with escapes.
std::vector<Unreachable> misspelt(const std::vector<machine::Mount>& mounts, const VmBackupConfiguration& configuration,
                                  const std::vector<MountFailure>& failures) {
    std::vector<Unreachable> unreachable;
    for (const auto& failure : failures) {
        if (failure.step != MountFailure::Step::open || configuration.skips(failure.mount_point)) continue;
        const auto mount = std::ranges::find_if(mounts, [&](const auto& one) {
            return one.target != failure.mount_point && as_lsblk_prints(one.target) == failure.mount_point;
        });
        if (mount == mounts.end()) continue;
        unreachable.push_back(
            {failure.mount_point, failure.line.evidence(fmt::format("opened as \"{}\"; the extension takes the name as "
                                                                    "lsblk escapes it",
                                                                    mount->target))});
    }
    return unreachable;
}

Finding examine_log_alone(const machine::Machine& machine, const machine::Error& error) {
    std::vector<Evidence> evidence;
    std::string mount_point;
    for (const auto& failure : current_mount_failures(machine)) {
        if (failure.step > MountFailure::Step::not_a_directory) continue;
        if (evidence.empty()) mount_point = failure.mount_point;
        evidence.push_back(failure.line.evidence("opened"));
    }
    if (evidence.empty()) return Finding::unknown("the mount table", error);
    return Finding::needs_operator(
        fmt::format("The backup could not open {}, and one such mount point ends the whole freeze.", mount_point),
        std::move(evidence),
        fmt::format("Unmount what is left over (`findmnt {0}`, `umount {0}`) or mount it again, or add {0} to "
                    "MountsToSkip in {1}.",
                    mount_point, VmBackupConfiguration::path));
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
    const auto failures = current_mount_failures(machine);
    auto unreachable = unreachable_now(machine, targets, failures);
    std::ranges::move(misspelt(*mounts, *configuration, failures), std::back_inserter(unreachable));
    if (unreachable.empty()) {
        return Finding::healthy(
            "Every mount point that the backup freezes can be opened.",
            {{"mount table", fmt::format("{} mount points to freeze", targets.size()), "all answer"}});
    }
    std::vector<Evidence> evidence;
    std::vector<std::string> subjects;
    for (auto& one : unreachable) {
        evidence.push_back(std::move(one.evidence));
        subjects.push_back(one.mount_point);
    }
    for (const auto& failure : failures) {
        if (failed_to_open({failure}, failure.mount_point)) evidence.push_back(failure.line.evidence("opened"));
    }
    const auto names = fmt::format("{}", fmt::join(subjects, ", "));
    auto summary = fmt::format("The backup cannot open {}, and one such mount point ends the whole freeze.", names);
    const bool is_root = std::ranges::find(subjects, "/") != subjects.end();
    auto finding = is_root
                       ? Finding::needs_operator(std::move(summary), std::move(evidence),
                                                 "The root file system does not answer: look at the serial console "
                                                 "and `dmesg` for disk errors.")
                       : Finding::broken(std::move(summary), std::move(evidence),
                                         fmt::format("Unmount what is left over (`umount {}`; disks of a file recovery "
                                                     "with the script that mounted them) or mount it again, or add "
                                                     "it to MountsToSkip in {}.",
                                                     subjects.front(), VmBackupConfiguration::path));
    finding.subjects = std::move(subjects);
    return weighed_by_last_backup(std::move(finding), machine);
}

machine::Result<void> fix(const Finding& finding, Changes& changes) {
    return skip_mounts(changes, finding.subjects);
}

}  // namespace

Remediation remediation() {
    return {
        .id = "mount-unreachable",
        .title = "A mount point that the backup freezes cannot be opened",
        .layer = Layer::os_snapshot,
        .scope = Scope::linux,
        .error_codes = {"UserErrorUnableToOpenMount", "UserErrorFsFreezeFailed",
                        "NoExtensionStatusButStatusBlobAvailable", "123"},
        .disruption = Disruption::none,
        .explanation =
            "Before it freezes anything the extension opens every mount point of its list; the first that fails ends "
            "the backup. Left over are disks of a file recovery or of a detached volume, paths hidden by a later "
            "mount, file systems that shut down after an error, and names that lsblk prints with escapes. The fix adds "
            "the mount point to MountsToSkip in vmbackup.conf; its disk is then in the snapshot without having been "
            "frozen.",
        .source = "https://learn.microsoft.com/azure/backup/backup-azure-vms-troubleshoot",
        .consequences = {"freeze-failed"},
        .diagnose = diagnose,
        .fix = fix,
    };
}

}  // namespace remediations::causes::mount_unreachable
