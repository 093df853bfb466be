#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "remediations/machine/linux/file_descriptor.hpp"
#include "remediations/machine/result.hpp"

namespace machine::local {

/// Functions that Files and the durable writer share. Paths are absolute. A symbolic link in the last component is
/// never followed.

/// A name in an open folder: an operation on it works in exactly this folder.
struct Location {
    FileDescriptor folder;
    std::string name;
    std::string path;  ///< for messages
};

/// Opens a folder. Follows only symbolic links that root or this user created; ErrorKind::refused for others.
Result<FileDescriptor> open_folder(const std::string& path);

/// ErrorKind::refused where the open folder belongs to another user than root or this one, or where others may write to
/// it. `path` is for messages.
Result<void> check_only_we_write_to(int folder, const std::string& path);

/// ErrorKind::refused where another user than root and this one could replace a component of `path` in one of its
/// folders. A folder with the sticky bit is allowed where the component belongs to root or this user.
Result<void> check_only_we_lead_to(const std::string& path);

/// Opens the parent folder of `path` with open_folder(). ErrorKind::invalid for a path that is not absolute or names no
/// entry of a folder.
Result<Location> locate(const std::string& path);

/// lstat. ErrorKind::not_found where nothing has this name.
Result<struct stat> status_of(const Location& location);

/// Opens a regular file for reading, and nothing else: it does not even open a FIFO or device.
Result<FileDescriptor> open_regular_file(const Location& location);

/// Returns the whole content. ErrorKind::too_large above `limit` bytes.
Result<std::string> read_regular_file(const std::string& path, std::size_t limit);

/// Returns at most `length` bytes from `offset`; fewer at the end of the file.
Result<std::string> read_regular_file_range(const std::string& path, std::uint64_t offset, std::size_t length);

/// Returns the names in the folder, sorted, without "." and "..".
Result<std::vector<std::string>> names_in(FileDescriptor folder, const std::string& path);

Result<void> write_all(int descriptor, std::string_view content, const std::string& path);

/// Calls fsync on a file or folder.
Result<void> sync(int descriptor, const std::string& path);

/// Creates the folder and every missing parent with mode 0700, durably.
Result<void> make_folders(const std::string& folder);

enum class Attributes {
    keep,   ///< a replaced file keeps its owner, mode and extended attributes (ACL, SELinux label)
    reset,  ///< owner and mode become those of a new file; the folder must pass check_only_we_write_to()
};

/// Creates or replaces a regular file atomically and durably. A new file gets `mode`.
Result<void> replace_file(const std::string& path, std::string_view content, mode_t mode, Attributes attributes);

/// Gives `to` the extended attributes of `from`. Works for every kind of file.
Result<void> copy_extended_attributes(const Location& from, const Location& to);

/// Returns an unused name for a file that is renamed once it is complete.
std::string temporary_name();
bool is_temporary_name(std::string_view name);

}  // namespace machine::local
