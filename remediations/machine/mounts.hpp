#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "remediations/machine/files.hpp"
#include "remediations/machine/result.hpp"

namespace machine {

struct Mount {
    std::string source;
    Path target;
    std::string type;
    std::vector<std::string> options;
    std::string device = {};  ///< "8:1", major:minor of the file system; empty on Windows
    Path root = "/";  ///< the folder of the file system that is mounted; not "/" for a bind mount of a part of it

    friend bool operator==(const Mount&, const Mount&) = default;
};

/// Returns "noexec" for "exec" and so on, for the options that a mount has apart from its file system: ro/rw, exec,
/// suid and dev. Empty for every other option.
std::string opposite_option(const std::string& option);

/// Returns the mount that holds `path`: the one with the longest target that contains it and, of several with that
/// target, the last one, which hides the others. nullptr where there is none. Follows no links in `path`.
const Mount* mount_holding(const std::vector<Mount>& mounts, std::string_view path);

/// Returns true for network and FUSE file systems: a question about their space can wait for another computer.
bool is_remote(const Mount& mount);

class Mounts {
public:
    virtual ~Mounts() = default;

    /// Returns the mounts in mount order, as in /proc/self/mountinfo; on Windows, the volumes with their paths.
    virtual Result<std::vector<Mount>> list() const = 0;

    /// Linux: gives a mount one option that has an opposite, such as "exec", and keeps the others. Of several mounts on
    /// a target it changes the visible one. Does not change fstab.
    virtual Result<void> remount(const Path& target, const std::string& option) = 0;

    /// Linux: thaws a file system (FITHAW). Succeeds where it is not frozen.
    virtual Result<void> thaw(const Path& target) = 0;
};

}  // namespace machine
