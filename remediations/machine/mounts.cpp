#include "remediations/machine/mounts.hpp"

#include <algorithm>
#include <array>

namespace machine {

std::string opposite_option(const std::string& option) {
    if (option == "ro") return "rw";
    if (option == "rw") return "ro";
    for (const std::string allowed : {"exec", "suid", "dev"}) {
        if (option == allowed) return "no" + allowed;
        if (option == "no" + allowed) return allowed;
    }
    return {};
}

const Mount* mount_holding(const std::vector<Mount>& mounts, std::string_view path) {
    const auto is_separator = [](char c) { return c == '/' || c == '\\'; };
    const Mount* holding = nullptr;
    for (const auto& mount : mounts) {
        const std::string_view target = mount.target;
        if (target.empty()) continue;
        const bool is_root = is_separator(target.back());  // "/", "C:\"
        const bool above =
            path.starts_with(target) && (is_root || path.size() == target.size() || is_separator(path[target.size()]));
        if (above && (!holding || target.size() >= holding->target.size())) holding = &mount;
    }
    return holding;
}

bool is_remote(const Mount& mount) {
    constexpr std::string_view types[] = {"nfs",       "nfs4",   "cifs", "smb3", "smbfs", "ceph",
                                          "glusterfs", "lustre", "9p",   "afs",  "autofs"};
    return mount.type.starts_with("fuse") || std::ranges::find(types, mount.type) != std::end(types);
}

}  // namespace machine
