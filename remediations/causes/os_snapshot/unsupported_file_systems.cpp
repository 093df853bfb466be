#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "remediations/knowledge/snapshot/freeze_targets.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::unsupported_file_systems {

namespace {

/// File systems without data that changes, or only with the firmware's data.
constexpr std::array<std::string_view, 6> harmless = {"squashfs", "iso9660", "udf", "erofs", "cramfs", "romfs"};

bool holds_data(const machine::Mount& mount) {
    const bool is_disk = mount.source.starts_with("/dev/") || mount.type == "zfs";
    const bool is_loop = mount.source.starts_with("/dev/loop");
    const bool is_read_only = std::ranges::find(mount.options, "ro") != mount.options.end();
    const bool is_for_booting = lies_in(mount.target, "/boot") || lies_in(mount.target, "/efi");
    return is_disk && !is_loop && !is_read_only && !is_for_booting &&
           std::ranges::find(harmless, mount.type) == harmless.end();
}

Finding diagnose(const machine::Machine& machine) {
    const auto mounts = machine.mounts().list();
    if (!mounts) return Finding::unknown("the mount table", mounts.error());
    std::vector<Evidence> evidence;
    std::vector<std::string> names;
    for (const auto& mount : *mounts) {
        if (!holds_data(mount) || is_freezable(mount.type) || mount.type == "devtmpfs") continue;
        evidence.push_back({"mount of " + mount.target, fmt::format("{} type {}", mount.source, mount.type),
                            "ext3, ext4, xfs or btrfs"});
        names.push_back(fmt::format("{} ({})", mount.target, mount.type));
    }
    if (names.empty()) return Finding::healthy("All file systems that hold data are of types the backup freezes.");
    return Finding::needs_operator(
               fmt::format("The backup does not freeze {}: their snapshot is as after a power failure.",
                           fmt::join(names, ", ")),
               std::move(evidence),
               "Move data that must be consistent to ext4, xfs or btrfs, or stop what writes there in a script before "
               "the snapshot (/etc/azure/VMSnapshotScriptPluginConfig.json).")
        .as_risk();
}

}  // namespace

Remediation remediation() {
    return {
        .id = "unsupported-file-systems",
        .title = "A local file system is of a type that the backup does not freeze",
        .layer = Layer::os_snapshot,
        .scope = Scope::linux,
        .error_codes = {"UserErrorUnsupportedDiskConfiguration"},
        .explanation =
            "The extension freezes ext3, ext4, xfs and btrfs and passes over every other type without a word. Backups "
            "succeed, but what lies on such a file system (ext2, zfs, ntfs, reiserfs, jfs) is only as consistent as "
            "after a power failure.",
        .source = "https://github.com/Azure/azure-linux-extensions/blob/master/VMBackup/main/mounts.py",
        .diagnose = diagnose,
    };
}

}  // namespace remediations::causes::unsupported_file_systems
