#pragma once

#include "remediations/changes/changes.hpp"

namespace remediations {

/// Moves every version of the backup extension to quarantine, with the packages that the agent kept
/// and its registry state, so that the agent installs it afresh at the next goal state. All versions
/// go: what stayed would stop the agent from installing another.
machine::Result<void> reinstall_backup_extension(Changes& changes);

}  // namespace remediations
