#pragma once

#include "remediations/changes/changes.hpp"

namespace remediations {

/// Moves every version of the backup extension to quarantine, with the packages that the agent kept and with its
/// registry state, so that the agent installs it again at the next goal state. A version that stayed would stop the
/// agent from installing another one.
machine::Result<void> reinstall_backup_extension(Changes& changes);

}  // namespace remediations
