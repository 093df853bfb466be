#include "remediations/machine/linux/tree_copy.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <array>

#include "remediations/machine/linux/system_error.hpp"

namespace machine::local {

namespace {

/// Each level holds folders open; nothing of backup's nests deeper.
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
        return Error{ErrorKind::refused, "another file system is mounted on " + path, 0};
    }
    if (depth > depth_limit) {
        return Error{ErrorKind::too_large, fmt::format("{} lies more than {} folders deep", path, depth_limit), 0};
    }
    return {};
}

/// Calls `visit(entry)` for everything in a folder until it fails. The entry's folder is `location` itself.
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
    std::string buffer(65536, '\0');  // not on the stack, which a deep tree's copying shares
    while (true) {
        const ssize_t count = ::read(source->get(), buffer.data(), buffer.size());
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count < 0) {
            return system_error("cannot read " + from.path);
        }
        if (count == 0) {
            return sync(target.get(), to.path);
        }
        if (auto written = write_all(target.get(), {buffer.data(), static_cast<std::size_t>(count)}, to.path);
            !written) {
            return written;
        }
    }
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

Result<void> remove_tree(const Location& location) {
    const auto status = status_of(location);
    return status ? remove_entry(location, status->st_dev, 0) : status.error();
}

}  // namespace machine::local
