#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "remediations/knowledge/configuration/vmbackup_configuration.hpp"
#include "remediations/machine/machine.hpp"

namespace remediations {

/// Locked by the backup extension, and by other programs of Azure, while they freeze (fsfreezer.py).
inline constexpr auto freeze_lock_file = "/etc/azure/MicrosoftRecoverySvcsSafeFreezeLock/SafeFreezeLockFile";

/// What the extension waits for a freeze, and lets one last, where vmbackup.conf has no
/// SafeFreezeWaitInSeconds and no timeout; in seconds.
inline constexpr long default_freeze_wait = 66;
inline constexpr long default_freeze_timeout = 60;

/// The temporary disk of an Azure VM as the backup extension finds it (Utils/ResourceDiskUtil.py):
/// through the vmbus device of a generation 1 or 2 VM. Never changes while the VM runs.
class ResourceDisk {
public:
    explicit ResourceDisk(const machine::Machine& machine);

    /// Such as "sdb"; empty where there is none.
    const std::string& device() const { return device_; }

private:
    std::string device_;
};

/// A mount point that the backup extension gives to safefreeze, as it works them out of `mount` and
/// `lsblk` (mounts.py, fsfreezer.py): each once; of a block device with several mounts the one that
/// lsblk names, which is the newest one of the whole file system; ext3, ext4, xfs and btrfs alone;
/// neither loop devices nor the resource disk.
struct FreezeTarget {
    std::string mount_point;
    machine::Mount mount;  ///< what one reaches there, if no mount hides it
    /// A mount made later on a folder above, through which mount_point now leads elsewhere or nowhere.
    std::optional<machine::Mount> hidden_by;
    bool skipped = false;  ///< named in MountsToSkip

    /// Of the file system that is frozen through this mount point: "8:1", or the source.
    std::string file_system() const;
};

/// In the order of the mount table.
std::vector<FreezeTarget> freeze_targets(const std::vector<machine::Mount>& mounts,
                                         const VmBackupConfiguration& configuration, const std::string& resource_disk);
machine::Result<std::vector<FreezeTarget>> freeze_targets(const machine::Machine& machine);

/// Whether the extension freezes this type at all.
bool is_freezable(std::string_view file_system_type);

/// "8:1", or the source where the kernel gives a file system no device of its own (btrfs).
std::string file_system_of(const machine::Mount& mount);

/// A file system behind a network or a user's process, which may never answer.
bool is_remote(std::string_view file_system_type);

/// Whether `path` lies in the folder `folder`, or is it.
bool lies_in(std::string_view path, std::string_view folder);

/// A mount point as lsblk -P prints it and the extension takes it over: bytes beyond ASCII and some
/// signs become \xNN, and the extension cuts at '='. Such a name opens nothing.
std::string as_lsblk_prints(std::string_view mount_point);

}  // namespace remediations
