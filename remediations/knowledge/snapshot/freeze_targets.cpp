#include "remediations/knowledge/snapshot/freeze_targets.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/algorithm/string/trim.hpp>

namespace remediations {

using machine::Mount;
using machine::Result;

namespace {

constexpr auto vmbus = "/sys/bus/vmbus/devices";
constexpr std::string_view generation_1_prefix = "00000000-0001";
constexpr std::string_view generation_2_id = "f8b3781a-1e82-4818-a1c3-63d806ec15bb";

std::vector<std::string> names_in(const machine::Machine& machine, const std::string& folder,
                                  std::string_view beginning) {
    auto names = machine.files().list(folder);
    if (!names) return {};
    std::erase_if(*names, [&](const auto& name) { return !name.starts_with(beginning); });
    return *names;
}

/// Returns the disk below <device>/host<n>/target<n>:<c>:<t>/<n>:<c>:<t>:<lun>/block/.
std::string disk_below(const machine::Machine& machine, const std::string& device, bool is_generation_2) {
    for (const auto& host : names_in(machine, device, "host")) {
        const auto host_folder = device + "/" + host;
        for (const auto& target : names_in(machine, host_folder, "target")) {
            const auto target_folder = host_folder + "/" + target;
            for (const auto& address : names_in(machine, target_folder, "")) {
                // On the one controller of generation 2 the resource disk has the LUN 1.
                if (is_generation_2 && !address.ends_with(":1")) continue;
                const auto disks = names_in(machine, target_folder + "/" + address + "/block", "");
                if (!disks.empty()) return disks.front();
            }
        }
    }
    return {};
}

bool is_block_device(const Mount& mount) {
    return mount.source.starts_with("/dev/");
}

/// Returns true for /dev/loop7, but not for a partition of it, because lsblk does not call that a loop device.
bool is_loop_device(const Mount& mount) {
    constexpr std::string_view prefix = "/dev/loop";
    return mount.source.starts_with(prefix) &&
           std::ranges::all_of(mount.source.substr(prefix.size()), [](char c) { return c >= '0' && c <= '9'; });
}

/// Returns the mount of a device that lsblk prints as its MOUNTPOINT.
const Mount& mount_named_by_lsblk(const std::vector<const Mount*>& oldest_first) {
    const auto whole =
        std::find_if(oldest_first.rbegin(), oldest_first.rend(), [](const auto* mount) { return mount->root == "/"; });
    return whole == oldest_first.rend() ? *oldest_first.front() : **whole;
}

std::string mount_point_of(const std::string& resource_disk, const std::vector<Mount>& mounts) {
    if (resource_disk.empty()) return {};
    // The extension takes the first line of `mount` that contains the name anywhere.
    const auto first = std::ranges::find_if(mounts, [&](const auto& mount) {
        return mount.source.find(resource_disk) != std::string::npos ||
               mount.target.find(resource_disk) != std::string::npos;
    });
    return first == mounts.end() ? "" : first->target;
}

}  // namespace

ResourceDisk::ResourceDisk(const machine::Machine& machine) {
    for (const auto& name : names_in(machine, vmbus, "")) {
        const auto folder = std::string(vmbus) + "/" + name;
        const auto text = machine.files().read(folder + "/device_id");
        if (!text) continue;
        const auto id = boost::algorithm::trim_copy_if(*text, [](char c) { return c == '{' || c == '}' || c == '\n'; });
        const bool is_generation_2 = id == generation_2_id;
        if (!is_generation_2 && !id.starts_with(generation_1_prefix)) continue;
        device_ = disk_below(machine, folder, is_generation_2);
        if (!device_.empty()) return;
    }
}

bool is_freezable(std::string_view type) {
    return type == "ext3" || type == "ext4" || type == "xfs" || type == "btrfs";
}

std::string file_system_of(const Mount& mount) {
    return mount.device.empty() || mount.device.starts_with("0:") ? mount.source : mount.device;
}

std::string FreezeTarget::file_system() const {
    return file_system_of(hidden_by.value_or(mount));
}

bool is_remote(std::string_view type) {
    static constexpr std::array<std::string_view, 16> types = {
        "nfs",    "nfs4", "cifs", "smb3",  "smbfs",  "ceph", "glusterfs", "lustre",
        "beegfs", "9p",   "afs",  "ncpfs", "autofs", "fuse", "fuseblk",   "gfs2"};
    return type.starts_with("fuse.") || std::ranges::find(types, type) != types.end();
}

bool lies_in(std::string_view path, std::string_view folder) {
    if (folder == "/") return path.starts_with('/');
    return path.starts_with(folder) && (path.size() == folder.size() || path[folder.size()] == '/');
}

std::string as_lsblk_prints(std::string_view mount_point) {
    std::string printed;
    for (const char character : mount_point.substr(0, mount_point.find('='))) {
        const auto byte = static_cast<unsigned char>(character);
        const bool plain =
            byte >= 0x20 && byte < 0x7F && std::string_view("\"\\`$").find(character) == std::string_view::npos;
        if (plain) {
            printed += character;
        } else {
            printed += fmt::format("\\x{:02x}", byte);
        }
    }
    return printed;
}

std::vector<FreezeTarget> freeze_targets(const std::vector<Mount>& mounts, const VmBackupConfiguration& configuration,
                                         const std::string& resource_disk) {
    std::vector<std::string> devices;
    std::map<std::string, std::vector<const Mount*>> mounts_of_device;
    for (const auto& mount : mounts) {
        if (!is_block_device(mount) || is_loop_device(mount)) continue;
        auto& of_device = mounts_of_device[file_system_of(mount)];
        if (of_device.empty()) devices.push_back(file_system_of(mount));
        of_device.push_back(&mount);
    }
    const auto resource_mount_point = mount_point_of(resource_disk, mounts);
    std::vector<FreezeTarget> targets;
    for (const auto& device : devices) {
        const auto& mount_point = mount_named_by_lsblk(mounts_of_device[device]).target;
        if (mount_point == resource_mount_point) continue;
        if (std::ranges::any_of(targets, [&](const auto& one) { return one.mount_point == mount_point; })) continue;
        const auto top = std::find_if(mounts.rbegin(), mounts.rend(),
                                      [&](const auto& mount) { return mount.target == mount_point; });
        if (!is_freezable(top->type) || !is_block_device(*top)) continue;
        FreezeTarget target{mount_point, *top, std::nullopt, configuration.skips(mount_point)};
        // The initial ramdisk mounts / after what it carries over, so / hides nothing.
        for (auto later = top.base(); later != mounts.end(); ++later) {
            if (later->target != "/" && later->target != mount_point && lies_in(mount_point, later->target)) {
                target.hidden_by = *later;
            }
        }
        targets.push_back(std::move(target));
    }
    return targets;
}

Result<std::vector<FreezeTarget>> freeze_targets(const machine::Machine& machine) {
    const auto mounts = machine.mounts().list();
    if (!mounts) return mounts.error();
    const auto configuration = VmBackupConfiguration::read(machine);
    return freeze_targets(*mounts, configuration ? *configuration : VmBackupConfiguration(std::nullopt),
                          machine.derived<ResourceDisk>().device());
}

}  // namespace remediations
