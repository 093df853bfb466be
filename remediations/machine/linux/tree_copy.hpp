#pragma once

#include "remediations/machine/linux/file_operations.hpp"

namespace machine::local {

/// Copies a file or folder tree with owners, modes, times and extended attributes. Copies symbolic links as links and
/// holes as holes. Syncs every file and folder. Refuses a tree in which another file system is mounted. After a
/// failure, leaves at `to` what was copied so far.
Result<void> copy_tree(const Location& from, const Location& to);

/// Checks that a copy of `from` leaves a tenth of the file system of `to` free; ErrorKind::too_large if it would not.
Result<void> check_room_for(const Location& from, const Location& to);

/// Removes a file or folder tree. Follows no symbolic link and enters no other file system.
Result<void> remove_tree(const Location& location);

}  // namespace machine::local
