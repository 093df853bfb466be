#include "remediations/knowledge/agent/mount_holding.hpp"

#include <algorithm>

namespace remediations {

const machine::Mount* mount_holding(const std::vector<machine::Mount>& mounts, std::string_view path) {
    const machine::Mount* holding = nullptr;
    for (const auto& mount : mounts) {
        const std::string_view target = mount.target;
        const bool above =
            target == "/" || (path.starts_with(target) && (path.size() == target.size() || path[target.size()] == '/'));
        if (above && (!holding || target.size() >= holding->target.size())) holding = &mount;
    }
    return holding;
}

bool is_remote(const machine::Mount& mount) {
    constexpr std::string_view types[] = {"nfs",       "nfs4",   "cifs", "smb3", "smbfs", "ceph",
                                          "glusterfs", "lustre", "9p",   "afs",  "autofs"};
    return mount.type.starts_with("fuse") || std::ranges::find(types, mount.type) != std::end(types);
}

}  // namespace remediations
