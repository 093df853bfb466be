#include "remediations/machine/linux/tree_copy.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <optional>

#include "remediations/machine/linux/system_error.hpp"

namespace machine::local {

namespace {

/// Each level keeps folders open. Nothing that belongs to backup is nested deeper.
constexpr unsigned depth_limit = 128;

Result<FileDescriptor> open_folder(const Location& location) {
    FileDescriptor folder(
        ::openat(location.folder.get(), location.name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!folder) {
        return system_error("cannot open folder " + location.path);
    }
    return folder;
}

Result<FileDescriptor> duplicate(const FileDescriptor& descriptor, const std::string& path) {
    FileDescriptor copy(::fcntl(descriptor.get(), F_DUPFD_CLOEXEC, 0));
    if (!copy) {
        return system_error("cannot read folder " + path);
    }
    return copy;
}

Result<void> may_enter(const struct stat& status, dev_t device, unsigned depth, const std::string& path) {
    if (status.st_dev != device) {
        return Error::refused("another file system is mounted on " + path);
    }
    if (depth > depth_limit) {
        return Error::too_large(fmt::format("{} lies more than {} folders deep", path, depth_limit));
    }
    return {};
}

/// Calls `visit(entry)` for everything in a folder until it fails. `location` is the folder of the entries.
template <class Visit>
Result<void> for_each_entry(const Location& location, Visit visit) {
    const auto folder = open_folder(location);
    if (!folder) {
        return folder.error();
    }
    auto stream = duplicate(*folder, location.path);
    if (!stream) {
        return stream.error();
    }
    const auto names = names_in(std::move(*stream), location.path);
    if (!names) {
        return names.error();
    }
    for (const std::string& name : *names) {
        auto entry = duplicate(*folder, location.path);
        if (!entry) {
            return entry.error();
        }
        if (auto visited = visit(Location{std::move(*entry), name, location.path + "/" + name}); !visited) {
            return visited;
        }
    }
    return {};
}

struct Range {
    off_t begin;
    off_t end;
};

/// Returns the next range with data from `at` on; nullopt where only a hole follows. A file system that reports no
/// holes has none.
std::optional<Range> next_data(int file, off_t at, off_t size) {
    if (at >= size) {
        return std::nullopt;
    }
    const off_t begin = ::lseek(file, at, SEEK_DATA);
    if (begin < 0) {
        return errno == ENXIO ? std::nullopt : std::optional(Range{at, size});
    }
    const off_t end = ::lseek(file, begin, SEEK_HOLE);
    return Range{begin, end < 0 ? size : std::min(end, size)};
}

Result<void> copy_range(int source, int target, Range range, const std::string& from, const std::string& to) {
    std::string buffer(65536, '\0');  // not on the stack, which a deep tree's copying shares
    for (off_t at = range.begin; at < range.end;) {
        const auto length = std::min<std::size_t>(buffer.size(), static_cast<std::size_t>(range.end - at));
        const ssize_t count = ::pread(source, buffer.data(), length, at);
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count < 0) {
            return system_error("cannot read " + from);
        }
        if (count == 0) {
            return {};  // it has become shorter
        }
        if (::lseek(target, at, SEEK_SET) != at) {
            return system_error("cannot write " + to);
        }
        if (auto written = write_all(target, {buffer.data(), static_cast<std::size_t>(count)}, to); !written) {
            return written;
        }
        at += count;
    }
    return {};
}

Result<void> copy_content(const Location& from, const Location& to) {
    const auto source = open_regular_file(from);
    if (!source) {
        return source.error();
    }
    const FileDescriptor target(
        ::openat(to.folder.get(), to.name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!target) {
        return system_error("cannot create " + to.path);
    }
    struct stat status {};
    if (::fstat(source->get(), &status) != 0) {
        return system_error("cannot look at " + from.path);
    }
    // Holes stay holes, because a file can be thousands of times as long as the disk is large.
    off_t at = 0;
    while (const auto data = next_data(source->get(), at, status.st_size)) {
        if (auto copied = copy_range(source->get(), target.get(), *data, from.path, to.path); !copied) {
            return copied;
        }
        at = data->end;
    }
    if (::ftruncate(target.get(), status.st_size) != 0) {
        return system_error("cannot set the length of " + to.path);
    }
    return sync(target.get(), to.path);
}

Result<void> copy_link(const Location& from, const Location& to) {
    std::array<char, 4097> text{};  // one byte more than the longest path, and never overwritten to the last
    if (::readlinkat(from.folder.get(), from.name.c_str(), text.data(), text.size() - 1) < 0) {
        return system_error("cannot read link " + from.path);
    }
    if (::symlinkat(text.data(), to.folder.get(), to.name.c_str()) != 0) {
        return system_error("cannot create link " + to.path);
    }
    return {};
}

Result<void> copy_attributes(const Location& from, const struct stat& status, const Location& to) {
    const int folder = to.folder.get();
    const char* name = to.name.c_str();
    if (::fchownat(folder, name, status.st_uid, status.st_gid, AT_SYMLINK_NOFOLLOW) != 0) {
        return system_error("cannot keep the owner of " + from.path);
    }
    if (auto copied = copy_extended_attributes(from, to); !copied) {
        return copied;
    }
    // After the owner, whose change clears the set-id bits. A link has no mode.
    if (!S_ISLNK(status.st_mode) && ::fchmodat(folder, name, status.st_mode & 07777, 0) != 0) {
        return system_error("cannot keep the mode of " + from.path);
    }
    const std::array times = {status.st_atim, status.st_mtim};
    if (::utimensat(folder, name, times.data(), AT_SYMLINK_NOFOLLOW) != 0) {
        return system_error("cannot keep the times of " + from.path);
    }
    return {};
}

Result<void> copy_entry(const Location& from, const Location& to, dev_t device, unsigned depth) {
    const auto status = status_of(from);
    if (!status) {
        return status.error();
    }
    if (auto entered = may_enter(*status, device, depth, from.path); !entered) {
        return entered;
    }
    Result<void> copied;
    if (S_ISREG(status->st_mode)) {
        copied = copy_content(from, to);
    } else if (S_ISLNK(status->st_mode)) {
        copied = copy_link(from, to);
    } else if (!S_ISDIR(status->st_mode)) {
        if (::mknodat(to.folder.get(), to.name.c_str(), status->st_mode & (S_IFMT | 0700), status->st_rdev) != 0) {
            copied = system_error("cannot create " + to.path);
        }
    } else if (::mkdirat(to.folder.get(), to.name.c_str(), 0700) != 0) {
        copied = system_error("cannot create folder " + to.path);
    } else {
        copied = for_each_entry(from, [&](const Location& entry) -> Result<void> {
            auto folder = open_folder(to);
            if (!folder) {
                return folder.error();
            }
            return copy_entry(entry, {std::move(*folder), entry.name, to.path + "/" + entry.name}, device, depth + 1);
        });
    }
    if (!copied) {
        return copied;
    }
    if (auto kept = copy_attributes(from, *status, to); !kept) {
        return kept;
    }
    if (!S_ISDIR(status->st_mode)) {
        return {};
    }
    const auto folder = open_folder(to);
    return folder ? sync(folder->get(), to.path) : folder.error();
}

Result<std::uint64_t> bytes_of(const Location& location, dev_t device, unsigned depth) {
    const auto status = status_of(location);
    if (!status) {
        return status.error();
    }
    if (auto entered = may_enter(*status, device, depth, location.path); !entered) {
        return entered.error();
    }
    constexpr std::uint64_t bytes_of_block = 512;  // of st_blocks, whatever the file system's are
    std::uint64_t bytes = static_cast<std::uint64_t>(status->st_blocks) * bytes_of_block;
    if (!S_ISDIR(status->st_mode)) {
        return bytes;
    }
    auto walked = for_each_entry(location, [&](const Location& entry) -> Result<void> {
        const auto inside = bytes_of(entry, device, depth + 1);
        if (!inside) {
            return inside.error();
        }
        bytes += *inside;
        return {};
    });
    return walked ? Result<std::uint64_t>(bytes) : walked.error();
}

Result<void> remove_entry(const Location& location, dev_t device, unsigned depth) {
    const auto status = status_of(location);
    if (!status) {
        return status.error();
    }
    if (auto entered = may_enter(*status, device, depth, location.path); !entered) {
        return entered;
    }
    const bool folder = S_ISDIR(status->st_mode);
    if (folder) {
        auto emptied =
            for_each_entry(location, [&](const Location& entry) { return remove_entry(entry, device, depth + 1); });
        if (!emptied) {
            return emptied;
        }
    }
    if (::unlinkat(location.folder.get(), location.name.c_str(), folder ? AT_REMOVEDIR : 0) != 0) {
        return system_error("cannot remove " + location.path);
    }
    return {};
}

}  // namespace

Result<void> copy_tree(const Location& from, const Location& to) {
    const auto status = status_of(from);
    return status ? copy_entry(from, to, status->st_dev, 0) : status.error();
}

Result<void> check_room_for(const Location& from, const Location& to) {
    const auto status = status_of(from);
    if (!status) {
        return status.error();
    }
    const auto bytes = bytes_of(from, status->st_dev, 0);
    if (!bytes) {
        return bytes.error();
    }
    struct statvfs room {};
    if (::fstatvfs(to.folder.get(), &room) != 0) {
        return system_error("cannot see how full the file system of " + to.path + " is");
    }
    const std::uint64_t total = std::uint64_t{room.f_blocks} * room.f_frsize;
    const std::uint64_t free = std::uint64_t{room.f_bavail} * room.f_frsize;
    const std::uint64_t kept = total / 10;
    if (free < kept || free - kept < *bytes) {
        return Error::too_large(
            fmt::format("{} is {} KiB, and a copy would leave less than a tenth of the file system of {} free",
                        from.path, *bytes >> 10U, to.path),
            ENOSPC);
    }
    return {};
}

Result<void> remove_tree(const Location& location) {
    const auto status = status_of(location);
    return status ? remove_entry(location, status->st_dev, 0) : status.error();
}

}  // namespace machine::local
