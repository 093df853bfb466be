#pragma once

#include "remediations/machine/machine.hpp"

namespace remediations {

/// Checks that a tree may be moved into the quarantine in `folder`. ErrorKind::refused: the move is a copy to another
/// file system and would leave less than a tenth of that file system free. Sizes are the apparent sizes of the files,
/// holes included. Succeeds where mounts or free space cannot be read: then the copy itself fails, and removes what it
/// wrote. Other errors: the tree cannot be read or is too deep.
machine::Result<void> check_room_in_quarantine(const machine::Machine& machine, const machine::Path& tree,
                                               const machine::Path& folder);

}  // namespace remediations
