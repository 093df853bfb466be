#pragma once

#include <string_view>

#include "remediations/machine/mounts.hpp"

namespace machine::local {

/// Parses the text of /proc/self/mountinfo (proc_pid_mountinfo(5)). The options are those of the mount, then those of
/// its file system that the mount does not repeat; "ro" overrides "rw". ErrorKind::invalid names the line.
Result<std::vector<Mount>> parse_mountinfo(std::string_view text);

class LinuxMounts final : public Mounts {
public:
    Result<std::vector<Mount>> list() const override;
    Result<void> remount(const Path& target, const std::string& option) override;
    Result<void> thaw(const Path& target) override;
};

}  // namespace machine::local
