#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "remediations/machine/result.hpp"

namespace machine {

/// Absolute path in the notation of the machine it belongs to, UTF-8. A plain string, because a
/// Windows path must keep its meaning while its remediation is tested on Linux.
using Path = std::string;

enum class FileKind { regular, directory, symlink, other };

struct FileStatus {
    FileKind kind = FileKind::regular;
    std::uint64_t size = 0;  ///< bytes
    std::uint32_t mode = 0;  ///< POSIX permission bits (07777); 0 on Windows
    std::uint32_t uid = 0;   ///< 0 on Windows
    std::uint32_t gid = 0;   ///< 0 on Windows
    std::chrono::system_clock::time_point modified = {};

    friend bool operator==(const FileStatus&, const FileStatus&) = default;
};

/// Who may do what with a file. POSIX only.
struct FilePermissions {
    std::uint32_t mode = 0;  ///< permission bits (07777)
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;

    friend bool operator==(const FilePermissions&, const FilePermissions&) = default;
};

/// Room on the file system that a path lies on.
struct Space {
    std::uint64_t total_bytes = 0;
    std::uint64_t free_bytes = 0;    ///< what root (SYSTEM) can still write
    std::uint64_t total_inodes = 0;  ///< 0 where the file system does not count them (btrfs, NTFS)
    std::uint64_t free_inodes = 0;

    friend bool operator==(const Space&, const Space&) = default;
};

/// What the version resource of an executable says of it.
struct FileVersion {
    std::array<std::uint16_t, 4> number = {};  ///< FILEVERSION, which is no text: 10, 0, 20348, 1
    std::string company = {};                  ///< CompanyName; empty where it has none
    std::string product = {};                  ///< ProductName

    friend bool operator==(const FileVersion&, const FileVersion&) = default;
};

/// The file system. Reading is const; whoever holds a const Machine cannot write.
/// Symbolic links are never followed in the last component of a path.
class Files {
public:
    static constexpr std::size_t default_read_limit = std::size_t{4} << 20;

    virtual ~Files() = default;

    virtual Result<FileStatus> status(const Path& path) const = 0;

    /// The whole content; ErrorKind::too_large when it has more than `limit` bytes.
    virtual Result<std::string> read(const Path& path, std::size_t limit = default_read_limit) const = 0;

    /// At most `length` bytes from `offset`; fewer only at the end of the file, none beyond it.
    virtual Result<std::string> read_range(const Path& path, std::uint64_t offset, std::size_t length) const = 0;

    /// Of the file system that `path` leads to, symbolic links followed. ErrorKind::timed_out after
    /// two seconds: a dead network file system answers nothing.
    virtual Result<Space> space(const Path& path) const = 0;

    /// Names (not paths) in a directory, sorted, without "." and "..".
    virtual Result<std::vector<std::string>> list(const Path& directory) const = 0;

    /// Owner, group and access control list as SDDL, which security_descriptor.hpp takes apart. Windows only.
    virtual Result<std::string> security(const Path& path) const;

    /// ErrorKind::invalid where the file has no version resource. Windows only.
    virtual Result<FileVersion> version(const Path& path) const;

    /// Creates or replaces a regular file atomically and durably (temporary file, sync, rename,
    /// sync of the directory). A replaced file keeps its owner, mode, ACL and extended
    /// attributes; a new one gets `mode` (ignored on Windows) and the caller's owner.
    virtual Result<void> write(const Path& path, const std::string& content, std::uint32_t mode = 0600) = 0;

    /// Makes one directory, durably; its parent must exist and the path must be free. `mode` whatever
    /// the umask; ignored on Windows.
    virtual Result<void> create_folder(const Path& path, std::uint32_t mode) = 0;

    /// Makes a symbolic link, durably; its parent must exist and the path must be free. Linux only.
    virtual Result<void> create_link(const Path& path, const Path& target);

    /// What a symbolic link says, which need not exist; ErrorKind::invalid for anything but a link. Linux only.
    virtual Result<Path> link_target(const Path& path) const;

    /// Removes a symbolic link, not what it leads to; ErrorKind::invalid for anything else. Linux only.
    virtual Result<void> remove_link(const Path& path);

    /// Of a regular file or directory. ErrorKind::unsupported on Windows.
    virtual Result<void> set_permissions(const Path& path, const FilePermissions& permissions) = 0;

    /// Owner, group and access control list, as far as `sddl` names them; of this file or folder alone, not of what
    /// lies in it. Windows only.
    virtual Result<void> set_security(const Path& path, const std::string& sddl);

    /// Renames a file or directory tree; copies and then removes it where the target lies on
    /// another file system. The target must not exist; its parent is created (mode 0700).
    virtual Result<void> move(const Path& from, const Path& to) = 0;

    /// Removes one regular file or empty directory.
    virtual Result<void> remove(const Path& path) = 0;

    /// Removes what a write or a move that a crash cut short left in the directory of `path`. Nothing may be
    /// written or moved there meanwhile.
    virtual Result<void> remove_leftovers(const Path& /*path*/) { return {}; }
};

}  // namespace machine
