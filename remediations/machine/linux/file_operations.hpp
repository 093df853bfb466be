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

/// What Files and the durable writer have in common. Paths are absolute; a symbolic link in the
/// last component is never followed.

/// A name in a folder that is held open: what happens next happens in this very folder.
struct Location {
    FileDescriptor folder;
    std::string name;
    std::string path;  ///< for messages
};

/// Opens a folder. On the way it follows the symbolic links that root or we made, and nobody else's: error refused.
Result<FileDescriptor> open_folder(const std::string& path);

/// Error refused where somebody who is neither root nor we owns the open folder or may write to it. `path` is for
/// messages.
Result<void> check_only_we_write_to(int folder, const std::string& path);

/// Error refused where on the way to `path` there is a folder, save one with the sticky bit, in which somebody who is
/// neither root nor we could put something else in the place of the next name.
Result<void> check_only_we_lead_to(const std::string& path);

/// Opens the folder that `path` lies in, as open_folder does. Error invalid for a path that is not absolute or names no
/// entry of a folder.
Result<Location> locate(const std::string& path);

/// lstat; error not_found when there is nothing.
Result<struct stat> status_of(const Location& location);

/// Opens a regular file for reading, and nothing else: a FIFO or device is not even opened.
Result<FileDescriptor> open_regular_file(const Location& location);

/// The whole content; error too_large when there is more than `limit` bytes.
Result<std::string> read_regular_file(const std::string& path, std::size_t limit);

/// At most `length` bytes from `offset`; fewer at the end of the file.
Result<std::string> read_regular_file_range(const std::string& path, std::uint64_t offset, std::size_t length);

/// Sorted, without "." and "..".
Result<std::vector<std::string>> names_in(FileDescriptor folder, const std::string& path);

Result<void> write_all(int descriptor, std::string_view content, const std::string& path);

/// fsync of a file or folder.
Result<void> sync(int descriptor, const std::string& path);

/// Creates the folder and every missing parent with mode 0700, durably.
Result<void> make_folders(const std::string& folder);

enum class Attributes {
    keep,   ///< a replaced file keeps owner, mode and extended attributes (ACL, SELinux label)
    reset,  ///< owner and mode are as if the file were new; the folder must be ours, see check_only_we_write_to
};

/// Creates or replaces a regular file atomically and durably. `mode` is that of a new file.
Result<void> replace_file(const std::string& path, std::string_view content, mode_t mode, Attributes attributes);

/// Makes the extended attributes of `to` those of `from`; works for every kind of file.
Result<void> copy_extended_attributes(const Location& from, const Location& to);

/// A name nothing has yet in a folder, for what is renamed once it is whole.
std::string temporary_name();
bool is_temporary_name(std::string_view name);

}  // namespace machine::local
