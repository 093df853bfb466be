#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "remediations/knowledge/configuration/vmbackup_configuration.hpp"
#include "remediations/machine/machine.hpp"

namespace remediations {

/// The backup extension and other programs of Azure lock this file while they freeze (fsfreezer.py).
inline constexpr auto freeze_lock_file = "/etc/azure/MicrosoftRecoverySvcsSafeFreezeLock/SafeFreezeLockFile";

/// The extension's defaults, in seconds, for its wait for a freeze and for the longest freeze, where vmbackup.conf has
/// neither SafeFreezeWaitInSeconds nor timeout.
inline constexpr long default_freeze_wait = 66;
inline constexpr long default_freeze_timeout = 60;

/// The temporary disk of an Azure VM, found in the way of the backup extension (Utils/ResourceDiskUtil.py): by the
/// vmbus device of a generation 1 or 2 VM. It does not change while the VM runs.
class ResourceDisk {
public:
    explicit ResourceDisk(const machine::Machine& machine);

    /// Returns a name such as "sdb"; empty where there is none.
    const std::string& device() const { return device_; }

private:
    std::string device_;
};

/// A mount point that the backup extension passes to safefreeze. The extension computes them from `mount` and `lsblk`
/// (mounts.py, fsfreezer.py): each once; of a block device with several mounts the one that lsblk names, which is the
/// newest one of the whole file system; only ext3, ext4, xfs and btrfs; neither loop devices nor the resource disk.
struct FreezeTarget {
    std::string mount_point;
    machine::Mount mount;  ///< the mount that one reaches there, if no other hides it
    /// A later mount on a folder above, because of which mount_point now leads elsewhere or nowhere.
    std::optional<machine::Mount> hidden_by;
    bool skipped = false;  ///< MountsToSkip names it

    /// Returns the file system that is frozen through this mount point: "8:1", or the source.
    std::string file_system() const;
};

/// Returns the targets in the order of the mount table.
std::vector<FreezeTarget> freeze_targets(const std::vector<machine::Mount>& mounts,
                                         const VmBackupConfiguration& configuration, const std::string& resource_disk);
machine::Result<std::vector<FreezeTarget>> freeze_targets(const machine::Machine& machine);

/// Returns true if the extension freezes file systems of this type.
bool is_freezable(std::string_view file_system_type);

/// Returns "8:1", or the source where the kernel gives the file system no device number of its own (btrfs).
std::string file_system_of(const machine::Mount& mount);

/// Returns true for a file system behind a network or a user's process, which may never answer.
bool is_remote(std::string_view file_system_type);

/// Returns true if `path` is `folder` or lies in it.
bool lies_in(std::string_view path, std::string_view folder);

/// Returns a mount point as lsblk -P prints it and the extension reads it: bytes beyond ASCII and some signs become
/// \xNN, and the extension cuts it at '='. Such a name cannot be opened.
std::string as_lsblk_prints(std::string_view mount_point);

}  // namespace remediations
