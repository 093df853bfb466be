#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "remediations/machine/result.hpp"

namespace machine {

/// An absolute path in the notation of the machine that it belongs to, in UTF-8. A plain string, because a Windows path
/// must keep its meaning when its remediation is tested on Linux.
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

/// Mode, owner and group of a file. POSIX only.
struct FilePermissions {
    std::uint32_t mode = 0;  ///< permission bits (07777)
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;

    friend bool operator==(const FilePermissions&, const FilePermissions&) = default;
};

/// The size and free space of a file system.
struct Space {
    std::uint64_t total_bytes = 0;
    std::uint64_t free_bytes = 0;    ///< that root (SYSTEM) can still write
    std::uint64_t total_inodes = 0;  ///< 0 where the file system does not count them (btrfs, NTFS)
    std::uint64_t free_inodes = 0;

    friend bool operator==(const Space&, const Space&) = default;
};

/// The version resource of an executable.
struct FileVersion {
    std::array<std::uint16_t, 4> number = {};  ///< FILEVERSION, as numbers: 10, 0, 20348, 1
    std::string company = {};                  ///< CompanyName; empty where there is none
    std::string product = {};                  ///< ProductName

    friend bool operator==(const FileVersion&, const FileVersion&) = default;
};

/// The file system. Reading is const, so the holder of a const Machine cannot write. A symbolic link in the last
/// component of a path is never followed.
class Files {
public:
    static constexpr std::size_t default_read_limit = std::size_t{4} << 20;

    virtual ~Files() = default;

    virtual Result<FileStatus> status(const Path& path) const = 0;

    /// Returns the whole content. ErrorKind::too_large where it has more than `limit` bytes.
    virtual Result<std::string> read(const Path& path, std::size_t limit = default_read_limit) const = 0;

    /// Returns at most `length` bytes from `offset`: fewer at the end of the file, none after it.
    virtual Result<std::string> read_range(const Path& path, std::uint64_t offset, std::size_t length) const = 0;

    /// Returns the space of the file system that `path` leads to; follows symbolic links. ErrorKind::timed_out after
    /// two seconds, because a dead network file system never answers.
    virtual Result<Space> space(const Path& path) const = 0;

    /// Returns the names (not paths) in a directory, sorted, without "." and "..".
    virtual Result<std::vector<std::string>> list(const Path& directory) const = 0;

    /// Windows: returns owner, group and access control list as SDDL; security_descriptor.hpp parses it.
    virtual Result<std::string> security(const Path& path) const;

    /// Windows: returns the version resource. ErrorKind::invalid where the file has none.
    virtual Result<FileVersion> version(const Path& path) const;

    /// Creates or replaces a regular file atomically and durably (temporary file, sync, rename, sync of the directory).
    /// A replaced file keeps its owner, mode, ACL and extended attributes. A new file gets `mode` (ignored on Windows)
    /// and the caller's owner.
    virtual Result<void> write(const Path& path, const std::string& content, std::uint32_t mode = 0600) = 0;

    /// Creates one directory durably. Its parent must exist and the path must be free. The directory gets exactly
    /// `mode`, whatever the umask is; ignored on Windows.
    virtual Result<void> create_folder(const Path& path, std::uint32_t mode) = 0;

    /// Makes a symbolic link, durably; its parent must exist and the path must be free. Linux only.
    virtual Result<void> create_link(const Path& path, const Path& target);

    /// What a symbolic link says, which need not exist; ErrorKind::invalid for anything but a link. Linux only.
    virtual Result<Path> link_target(const Path& path) const;

    /// Removes a symbolic link, not what it leads to; ErrorKind::invalid for anything else. Linux only.
    virtual Result<void> remove_link(const Path& path);

    /// Sets the permissions of a regular file or directory. ErrorKind::unsupported on Windows.
    virtual Result<void> set_permissions(const Path& path, const FilePermissions& permissions) = 0;

    /// Windows: sets owner, group and access control list, those of them that `sddl` contains. Changes only this file
    /// or folder, not the content of the folder.
    virtual Result<void> set_security(const Path& path, const std::string& sddl);

    /// Renames a file or directory tree. Where the target lies on another file system, copies it and then removes the
    /// original. The target must not exist. Its parent is created (mode 0700).
    virtual Result<void> move(const Path& from, const Path& to) = 0;

    /// Removes one regular file or empty directory.
    virtual Result<void> remove(const Path& path) = 0;

    /// Removes what an interrupted write or move left in the directory of `path`. Nothing may be written or moved there
    /// meanwhile.
    virtual Result<void> remove_leftovers(const Path& /*path*/) { return {}; }
};

}  // namespace machine
