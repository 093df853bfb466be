#include "remediations/machine/linux/unanswered.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <mutex>
#include <vector>

#include "remediations/machine/linux/file_operations.hpp"
#include "remediations/machine/linux/mounts_linux.hpp"

namespace machine::local {

namespace {

constexpr std::size_t mount_table_limit = std::size_t{16} << 20;

/// Types of the kernel and of local disks. All others (nfs, cifs, fuse, autofs, 9p, ...) depend on another computer or
/// program.
constexpr std::array<std::string_view, 44> own_types = {
    "bdev",       "bfs",       "binder",  "binfmt_misc", "bpf",       "btrfs",    "cgroup",  "cgroup2", "configfs",
    "cpuset",     "cramfs",    "debugfs", "devpts",      "devtmpfs",  "efivarfs", "erofs",   "exfat",   "ext2",
    "ext3",       "ext4",      "f2fs",    "fusectl",     "hugetlbfs", "iso9660",  "jfs",     "mqueue",  "msdos",
    "nsfs",       "ntfs",      "ntfs3",   "overlay",     "proc",      "pstore",   "ramfs",   "resctrl", "rootfs",
    "securityfs", "selinuxfs", "smackfs", "squashfs",    "sysfs",     "tmpfs",    "tracefs", "vfat"};
constexpr std::array<std::string_view, 5> more_own_types = {"xfs", "udf", "zfs", "reiserfs", "rpc_pipefs"};

bool is_own(const Mount& mount) {
    // systemd's, which mounts the kernel's own file system.
    if (mount.type == "autofs" && mount.target == "/proc/sys/fs/binfmt_misc") return true;
    return std::ranges::find(own_types, mount.type) != own_types.end() ||
           std::ranges::find(more_own_types, mount.type) != more_own_types.end();
}

/// The mount points of such other file systems, as they were shortly before.
struct ForeignMounts {
    std::mutex mutex;
    std::chrono::steady_clock::time_point read_at;
    pid_t read_by = 0;
    bool is_known = false;
    std::vector<Path> targets;

    void refresh() {
        const auto now = std::chrono::steady_clock::now();
        if (read_by == ::getpid() && now - read_at < std::chrono::seconds(1)) return;
        read_at = now;
        read_by = ::getpid();
        targets.clear();
        const auto text = read_regular_file("/proc/self/mountinfo", mount_table_limit);
        const auto mounts = text ? parse_mountinfo(*text) : Result<std::vector<Mount>>(text.error());
        is_known = mounts.has_value();
        if (!is_known) return;
        for (const auto& mount : *mounts) {
            if (!is_own(mount)) targets.push_back(mount.target);
        }
    }
};

ForeignMounts& foreign_mounts() {
    static auto& mounts = *new ForeignMounts;  // a thread left behind may outlive everything else
    return mounts;
}

bool lies_below(std::string_view path, std::string_view folder) {
    if (folder == "/") return true;
    return path.starts_with(folder) && (path.size() == folder.size() || path[folder.size()] == '/');
}

/// Returns the foreign mount that holds the path by its text, else the path's folder, because a link may lead
/// elsewhere.
std::string place_of(const std::string& path) {
    auto& mounts = foreign_mounts();
    const std::scoped_lock lock(mounts.mutex);
    std::string place;
    for (const auto& target : mounts.targets) {
        if (lies_below(path, target) && target.size() > place.size()) place = target;
    }
    if (!place.empty()) return place;
    const auto slash = path.rfind('/');
    return slash == path.npos || slash == 0 ? path : path.substr(0, slash);
}

struct Waiting {
    std::string place;
    std::shared_ptr<const std::atomic<bool>> is_over;
};

struct WaitingCalls {
    std::mutex mutex;
    std::vector<Waiting> calls;
};

WaitingCalls& waiting_calls() {
    static auto& calls = *new WaitingCalls;
    return calls;
}

}  // namespace

bool a_mount_may_hang() {
    auto& mounts = foreign_mounts();
    const std::scoped_lock lock(mounts.mutex);
    mounts.refresh();
    return !mounts.is_known || !mounts.targets.empty();
}

std::optional<Error> Unanswered::why_not_to_ask(const std::string& path, const std::string& what) {
    auto& waiting = waiting_calls();
    const std::scoped_lock lock(waiting.mutex);
    std::erase_if(waiting.calls, [](const Waiting& one) { return one.is_over->load(); });
    for (const auto& one : waiting.calls) {
        if (!lies_below(path, one.place)) continue;
        return Error::timed_out(fmt::format("cannot {}: {} has not answered an earlier question yet", what, one.place));
    }
    return std::nullopt;
}

void Unanswered::note(const std::string& path, std::shared_ptr<const std::atomic<bool>> is_over) {
    auto place = place_of(path);
    auto& waiting = waiting_calls();
    const std::scoped_lock lock(waiting.mutex);
    waiting.calls.push_back({std::move(place), std::move(is_over)});
}

}  // namespace machine::local
