#pragma once

#include "remediations/machine/machine.hpp"

namespace remediations {

/// Whether a tree may be moved into the quarantine in `folder`: ErrorKind::refused where that is a copy to another file
/// system which would leave less than a tenth of it free. Sizes are those that files show, holes included. Where the
/// mounts or the room cannot be seen it says yes: the copy itself fails then, and takes back what it wrote.
machine::Result<void> check_room_in_quarantine(const machine::Machine& machine, const machine::Path& tree,
                                               const machine::Path& folder);

}  // namespace remediations
