#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "remediations/knowledge/configuration/vmbackup_configuration.hpp"
#include "remediations/knowledge/snapshot/freeze_failures.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::freeze_failed {

namespace {

constexpr int fs_freeze_failed = 121;
constexpr int fs_freeze_timeout = 122;
constexpr int unable_to_open_mount = 123;

/// The steps that the extension counts in its log, "****** 1." to "****** 9.".
constexpr std::array<std::string_view, 10> steps = {"before safefreeze was started",
                                                    "safefreeze was being started",
                                                    "safefreeze was freezing",
                                                    "all were frozen",
                                                    "the extension knew that all were frozen",
                                                    "the snapshot was being taken",
                                                    "the snapshot had been taken",
                                                    "the thaw was being asked for",
                                                    "safefreeze was thawing",
                                                    "safefreeze had ended"};

bool is_freeze_result(const BackupAttempt& attempt) {
    if (attempt.result) {
        const int code = *attempt.result;
        return code == fs_freeze_failed || code == fs_freeze_timeout || code == unable_to_open_mount;
    }
    const auto& why = attempt.decisive.text;
    return why.find("freeze took longer") != std::string::npos || why.find("already freezed") != std::string::npos ||
           why.find("freeze failed for some mount") != std::string::npos;
}

/// Returns the failure that caused the others: after a failed freeze every mount is thawed, frozen or not.
const MountFailure& first_cause(const std::vector<MountFailure>& failures) {
    const auto first =
        std::ranges::find_if(failures, [](const auto& one) { return one.step != MountFailure::Step::thaw; });
    return first == failures.end() ? failures.front() : *first;
}

std::string what_failed(const MountFailure& failure) {
    const auto reason = failure.reason.empty() ? "no reason is logged" : failure.reason;
    switch (failure.step) {
        case MountFailure::Step::open:
        case MountFailure::Step::status:
            return fmt::format("The backup could not open the mount point {} ({}).", failure.mount_point, reason);
        case MountFailure::Step::not_a_directory:
            return fmt::format("The backup met the mount point {}, which is no folder.", failure.mount_point);
        case MountFailure::Step::freeze:
            return fmt::format("The backup could not freeze {} ({}).", failure.mount_point, reason);
        case MountFailure::Step::thaw:
            return fmt::format("The backup could not thaw {} ({}).", failure.mount_point, reason);
    }
    return {};
}

std::string what_to_do(const MountFailure& failure) {
    const auto meaning = meaning_of_freeze_error(failure.reason);
    const bool is_frozen = failure.step == MountFailure::Step::freeze && failure.reason == "Device or resource busy";
    if (is_frozen && failure.mount_point != "/") {
        return fmt::format(
            "Look for what else freezes {0} at that hour: another backup program, a script with fsfreeze, a second "
            "mount of the same file system (findmnt). If it is frozen still, so that a write to it hangs: fsfreeze -u "
            "{0}.",
            failure.mount_point);
    }
    auto action = meaning.empty()
                      ? fmt::format("Look at {} (`findmnt {}`, `dmesg`). ", failure.mount_point, failure.mount_point)
                      : fmt::format("\"{}\" means that {}. Look at `findmnt {}` and `dmesg`. ", failure.reason, meaning,
                                    failure.mount_point);
    if (failure.mount_point == "/") return action + "The root file system cannot be left out of the freeze.";
    return action + fmt::format(
                        "Where its snapshot need not be consistent, leave it out of the freeze: add {} to "
                        "MountsToSkip in section [SnapshotThread] of {} (comma list without blanks).",
                        failure.mount_point, VmBackupConfiguration::path);
}

Finding examine_last_backup(const machine::Machine& machine) {
    const auto& log = machine.derived<LogEvidence>();
    const auto failures = current_mount_failures(machine);
    const auto* failed = last_failed_backup(machine);
    const auto* newest = log.newest_attempt();
    if (failures.empty() && (failed == nullptr || !is_freeze_result(*failed))) {
        const auto unread = std::ranges::find_if(
            log.sources(), [](const auto& source) { return source.log == Log::extension && source.error; });
        if (newest == nullptr && unread != log.sources().end()) return Finding::unknown(unread->file, *unread->error);
        if (newest == nullptr) return Finding::not_applicable("No log tells of a backup of this VM.");
        return Finding::healthy(
            "The freeze of the file systems is not what the last backup failed with.",
            {{"last step of the last backup",
              std::string(steps[static_cast<std::size_t>(std::clamp(newest->last_step, 0, 9))]), "no failed freeze"}});
    }
    std::vector<Evidence> evidence;
    for (const auto& failure : failures) {
        const auto meaning = meaning_of_freeze_error(failure.reason);
        evidence.push_back(failure.line.evidence(meaning.empty() ? "no such line" : fmt::format("({})", meaning)));
    }
    if (failed != nullptr) {
        if (!failed->decisive.file.empty() && failures.empty()) {
            evidence.push_back(failed->decisive.evidence("no such line"));
        }
        evidence.push_back(
            {"steps of the last backup",
             fmt::format("stopped when {} (step {} of 9){}",
                         steps[static_cast<std::size_t>(std::clamp(failed->last_step, 0, 9))], failed->last_step,
                         failed->result ? fmt::format(", result {}", *failed->result) : std::string()),
             "all 9 steps, result 1 or 0"});
    }
    if (!failures.empty()) {
        const auto& cause = first_cause(failures);
        return Finding::needs_operator(what_failed(cause), std::move(evidence), what_to_do(cause));
    }
    if (failed->result == fs_freeze_timeout || failed->decisive.text.find("took longer") != std::string::npos) {
        return Finding::needs_operator(
            "Freezing the file systems took longer than the extension waits.", std::move(evidence),
            fmt::format("Run backups when little is written, move slow or unimportant mounts to MountsToSkip, or raise "
                        "SafeFreezeWaitInSeconds and timeout in {}.",
                        VmBackupConfiguration::path));
    }
    return Finding::needs_operator("The backup could not freeze the file systems.", std::move(evidence),
                                   "Read the lines between \"Binary output traces start\" and \"end\" in "
                                   "extension.log: they name the mount point.");
}

Finding diagnose(const machine::Machine& machine) {
    auto finding = examine_last_backup(machine);
    finding.basis = Basis::last_run;
    return finding;
}

}  // namespace

Remediation remediation() {
    return {
        .id = "freeze-failed",
        .title = "The file systems could not be frozen for the snapshot",
        .layer = Layer::os_snapshot,
        .scope = Scope::linux,
        .error_codes = {"UserErrorFsFreezeFailed", "UserErrorFsFreezeTimeout", "UserErrorUnableToOpenMount",
                        "ExtensionSnapshotFailed", "NoExtensionStatusButStatusBlobAvailable", "121", "122", "123"},
        .explanation =
            "The extension freezes every mounted ext3, ext4, xfs and btrfs file system, the root last, for the moment "
            "of the snapshot. The first one that cannot be opened or frozen ends the whole freeze. This names that "
            "mount point and the reason from the extension's log; where another cause explains it, repair that one.",
        .source = "https://github.com/Azure/azure-linux-extensions/tree/master/VMBackup/main/safefreeze",
        .signals = all_judged(mount_failure_patterns()),
        .diagnose = diagnose,
    };
}

}  // namespace remediations::causes::freeze_failed
