#pragma once

#include <string_view>
#include <vector>

#include "remediations/machine/mounts.hpp"

namespace remediations {

/// The mount that `path` lies on: that with the longest target above it and, of several there, the last one, which
/// hides the others. nullptr where none is above it. `path` is taken as it is, no link is followed.
const machine::Mount* mount_holding(const std::vector<machine::Mount>& mounts, std::string_view path);

/// Whether asking it for its space can wait for another computer: network and FUSE file systems.
bool is_remote(const machine::Mount& mount);

}  // namespace remediations
