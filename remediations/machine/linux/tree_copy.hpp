#pragma once

#include "remediations/machine/linux/file_operations.hpp"

namespace machine::local {

/// Copies a file or folder tree with owners, modes, times and extended attributes; symbolic links
/// as links, and holes as holes. Every file and folder is synced. Refuses a tree that another file system is mounted
/// in. What was copied before a failure is left at `to`.
Result<void> copy_tree(const Location& from, const Location& to);

/// Whether the file system of `to` keeps a tenth of its room free with a copy of `from` on it; error too_large says no.
Result<void> check_room_for(const Location& from, const Location& to);

/// Removes a file or folder tree; follows no symbolic link and enters no other file system.
Result<void> remove_tree(const Location& location);

}  // namespace machine::local
