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
    Path root = "/";          ///< what of the file system is mounted; not "/" for a bind mount of a part of it

    friend bool operator==(const Mount&, const Mount&) = default;
};

/// "noexec" for "exec" and so on, for the options a mount has apart from its file system: ro/rw,
/// exec, suid and dev. Empty for every other option.
std::string opposite_option(const std::string& option);

/// The mount that `path` lies on: that with the longest target above it and, of several there, the last one, which
/// hides the others. nullptr where none is above it. `path` is taken as it is, no link is followed.
const Mount* mount_holding(const std::vector<Mount>& mounts, std::string_view path);

/// Whether asking it for its space can wait for another computer: network and FUSE file systems.
bool is_remote(const Mount& mount);

class Mounts {
public:
    virtual ~Mounts() = default;

    /// In mount order, as /proc/self/mountinfo shows them; volumes with their paths on Windows.
    virtual Result<std::vector<Mount>> list() const = 0;

    /// Gives a mount one option that has an opposite, "exec" for instance, and keeps the others; of
    /// several mounts on a target, the one that is seen there. fstab stays as it is. Linux only, as is thaw.
    virtual Result<void> remount(const Path& target, const std::string& option) = 0;

    /// Ends the freeze of a file system (FITHAW). Succeeds where it is not frozen.
    virtual Result<void> thaw(const Path& target) = 0;
};

}  // namespace machine
