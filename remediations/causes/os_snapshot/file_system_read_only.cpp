#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "remediations/knowledge/configuration/agent_configuration.hpp"
#include "remediations/knowledge/configuration/file_system_table.hpp"
#include "remediations/knowledge/snapshot/freeze_failures.hpp"
#include "remediations/knowledge/snapshot/freeze_targets.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::file_system_read_only {

namespace {

constexpr auto table = "/etc/fstab";
constexpr auto ext4_remount = "Remounting filesystem read-only";
constexpr auto btrfs_remount = "forced readonly";

bool has(const std::vector<std::string>& options, std::string_view option) {
    return std::ranges::find(options, option) != options.end();
}

/// ext4 of newer kernels keeps "rw" in the mount table and adds this word.
constexpr auto in_emergency = "emergency_ro";

bool is_read_only(const machine::Mount& mount) {
    return has(mount.options, "ro") || has(mount.options, in_emergency);
}

const machine::Mount* mount_of(const std::vector<machine::Mount>& mounts, std::string_view path) {
    const machine::Mount* nearest = nullptr;
    for (const auto& mount : mounts) {
        if (lies_in(path, mount.target) && (!nearest || mount.target.size() >= nearest->target.size())) {
            nearest = &mount;
        }
    }
    return nearest;
}

/// Returns true if agent or extension write to this mount.
bool is_used_by_backup(const machine::Machine& machine, const std::vector<machine::Mount>& mounts,
                       const machine::Mount& mount) {
    return mount_of(mounts, agent_library_folder(machine)) == &mount || mount_of(mounts, "/var/log/azure") == &mount ||
           mount_of(mounts, "/etc/azure") == &mount;
}

/// Returns true for the mount that agent-library-read-only reports.
bool is_reported_already(const machine::Machine& machine, const std::vector<machine::Mount>& mounts,
                         const machine::Mount& mount) {
    return has(mount.options, "ro") && mount_of(mounts, agent_library_folder(machine)) == &mount;
}

Finding diagnose(const machine::Machine& machine) {
    const auto mounts = machine.mounts().list();
    if (!mounts) return Finding::unknown("the mount table", mounts.error());
    const auto text = machine.files().read(table);
    if (!text && text.error().kind == machine::ErrorKind::not_found) {
        return Finding::not_applicable("There is no /etc/fstab that says which file systems should be writable.");
    }
    if (!text) return Finding::unknown(table, text.error());
    const auto entries = parse_file_system_table(*text);
    std::vector<Evidence> evidence;
    std::vector<std::string> names;
    bool stops_backups = false;
    for (const auto& mount : *mounts) {
        if (!is_freezable(mount.type) || !is_read_only(mount)) continue;
        if (is_reported_already(machine, *mounts, mount)) continue;
        const auto entry =
            std::ranges::find_if(entries, [&](const auto& one) { return one.mount_point == mount.target; });
        if (entry == entries.end() || has(entry->options, "ro")) continue;
        evidence.push_back({"mount of " + mount.target,
                            fmt::format("{} type {}: {}", mount.source, mount.type, fmt::join(mount.options, ",")),
                            fmt::format("rw, as {} says ({})", table, fmt::join(entry->options, ","))});
        names.push_back(mount.target);
        stops_backups = stops_backups || is_used_by_backup(machine, *mounts, mount);
    }
    if (names.empty()) return Finding::healthy("No file system has become read-only.");
    for (const auto* line : {ext4_remount, btrfs_remount}) {
        if (const auto* match = machine.derived<LogEvidence>().find(Log::kernel, line)) {
            evidence.push_back(match->newest.evidence("no such line"));
        }
    }
    auto finding = Finding::needs_operator(
        fmt::format("{} is mounted read-only, though {} wants it writable: the kernel does that after an error.",
                    fmt::join(names, ", "), table),
        std::move(evidence),
        "Look for the error in `dmesg`. Unmount the file system and check it (`e2fsck -f`, `xfs_repair`), then mount "
        "it again; for the root file system from a rescue VM (`az vm repair create`). Do not force it writable "
        "unchecked.");
    return stops_backups ? finding : std::move(finding).as_risk();
}

}  // namespace

Remediation remediation() {
    return {
        .id = "file-system-read-only",
        .title = "A file system has become read-only",
        .layer = Layer::os_snapshot,
        .scope = Scope::linux,
        .error_codes = {"UserErrorFsFreezeFailed", "UserErrorGuestAgentStatusUnavailable",
                        "GuestAgentSnapshotTaskStatusError", "GuestAgentSnapshotTaskStatusErrorLin", "121"},
        .explanation =
            "After an error that it cannot get over, ext4 and btrfs make the file system read-only. Where the agent "
            "and the extension keep their files, no backup can run any more; elsewhere the data on it is at risk. Only "
            "a check of the unmounted file system heals it.",
        .source =
            "https://learn.microsoft.com/troubleshoot/azure/virtual-machines/linux/"
            "linux-recovery-cannot-start-file-system-errors",
        .signals = {judged(Log::kernel, ext4_remount), judged(Log::kernel, btrfs_remount)},
        .consequences = {"freeze-failed"},
        .diagnose = diagnose,
    };
}

}  // namespace remediations::causes::file_system_read_only
