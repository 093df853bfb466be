#include "remediations/machine/linux/files_linux.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/fs.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <climits>

#include "remediations/machine/clock_time.hpp"
#include "remediations/machine/linux/file_operations.hpp"
#include "remediations/machine/linux/system_error.hpp"
#include "remediations/machine/linux/tree_copy.hpp"
#include "remediations/machine/linux/unanswered.hpp"
#include "remediations/machine/time_limit.hpp"

namespace machine::local {

namespace {

FileKind kind_of(mode_t mode) {
    switch (mode & S_IFMT) {
        case S_IFREG:
            return FileKind::regular;
        case S_IFDIR:
            return FileKind::directory;
        case S_IFLNK:
            return FileKind::symlink;
        default:
            return FileKind::other;
    }
}

/// Renames, but never replaces anything. Returns a negative errno on failure.
int rename_to_free_name(const Location& from, const Location& to) {
    // Not the C library's renameat2, which the oldest one we are built against does not have.
    if (::syscall(SYS_renameat2, from.folder.get(), from.name.c_str(), to.folder.get(), to.name.c_str(),
                  RENAME_NOREPLACE) == 0) {
        return 0;
    }
    if (errno != EINVAL && errno != ENOSYS) {
        return -errno;
    }
    // An old kernel or file system: look, then rename.
    if (status_of(to)) {
        return -EEXIST;
    }
    return ::renameat(from.folder.get(), from.name.c_str(), to.folder.get(), to.name.c_str()) == 0 ? 0 : -errno;
}

Result<void> move_by_copy(const Location& from, const Location& to) {
    // The copy gets another name first, so that the final name always means a complete copy.
    const Location copy{FileDescriptor(::fcntl(to.folder.get(), F_DUPFD_CLOEXEC, 0)), temporary_name(), to.path};
    auto copied = check_room_for(from, copy);
    if (!copied) {
        return copied;
    }
    copied = copy_tree(from, copy);
    if (copied) {
        if (const int code = rename_to_free_name(copy, to); code != 0) {
            copied = system_error("cannot create " + to.path, -code);
        }
    }
    if (!copied) {
        (void)remove_tree(copy);
        return copied;
    }
    if (auto synced = sync(to.folder.get(), to.path); !synced) {
        return synced;
    }
    // Gone at once for whoever looks: half a tree is neither here nor there.
    const Location doomed{FileDescriptor(::fcntl(from.folder.get(), F_DUPFD_CLOEXEC, 0)), temporary_name(), from.path};
    if (const int code = rename_to_free_name(from, doomed); code != 0) {
        (void)remove_tree(to);
        return system_error("cannot remove " + from.path, -code);
    }
    if (auto synced = sync(from.folder.get(), from.path); !synced) {
        return synced;
    }
    if (auto removed = remove_tree(doomed); !removed) {
        Error error = removed.error();
        error.message += fmt::format(" (a whole copy is at {})", to.path);
        return error;
    }
    return {};
}

}  // namespace

namespace {

// Questions about paths that others choose, so that a time limit may have to be put round each.

Result<FileStatus> status_now(const Path& path) {
    const auto location = locate(path);
    if (!location) {
        return location.error();
    }
    const auto status = status_of(*location);
    if (!status) {
        return status.error();
    }
    const auto modified = time_after_1970(std::chrono::seconds(status->st_mtim.tv_sec)) +
                          std::chrono::nanoseconds(status->st_mtim.tv_nsec);
    return FileStatus{kind_of(status->st_mode), static_cast<std::uint64_t>(status->st_size),
                      status->st_mode & 07777,  status->st_uid,
                      status->st_gid,           modified};
}

Result<std::vector<std::string>> list_now(const Path& directory) {
    const auto location = locate(directory);
    if (!location) {
        return location.error();
    }
    FileDescriptor folder(
        ::openat(location->folder.get(), location->name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!folder) {
        // The system says ENOTDIR also for what is there but is no folder.
        const int code = errno;
        const bool exists = code == ENOTDIR && status_of(*location).has_value();
        return exists ? Error::invalid(directory + " is not a folder", code)
                      : system_error("cannot list " + directory, code);
    }
    return names_in(std::move(folder), directory);
}

}  // namespace

Result<FileStatus> LinuxFiles::status(const Path& path) const {
    return ask_file_system<FileStatus>(path, "look at " + path, [path] { return status_now(path); });
}

Result<std::string> LinuxFiles::read(const Path& path, std::size_t limit) const {
    return ask_file_system<std::string>(path, "read " + path, [path, limit] { return read_regular_file(path, limit); });
}

Result<std::string> LinuxFiles::read_range(const Path& path, std::uint64_t offset, std::size_t length) const {
    return ask_file_system<std::string>(
        path, "read " + path, [path, offset, length] { return read_regular_file_range(path, offset, length); });
}

Result<std::vector<std::string>> LinuxFiles::list(const Path& directory) const {
    return ask_file_system<std::vector<std::string>>(directory, "list " + directory,
                                                     [directory] { return list_now(directory); });
}

Result<Space> LinuxFiles::space(const Path& path) const {
    if (!path.starts_with('/') || path.find('\0') != path.npos) {
        return Error::invalid(fmt::format("'{}' is not an absolute path", path));
    }
    const std::string what = "see how full the file system of " + path + " is";
    return with_time_limit<Space>(std::chrono::seconds(2), what, [path, what]() -> Result<Space> {
        struct statvfs status {};
        if (::statvfs(path.c_str(), &status) != 0) {
            return system_error("cannot " + what);
        }
        return Space{status.f_blocks * status.f_frsize, status.f_bfree * status.f_frsize, status.f_files,
                     status.f_ffree};
    });
}

Result<void> LinuxFiles::write(const Path& path, const std::string& content, std::uint32_t mode) {
    return replace_file(path, content, mode & 07777, Attributes::keep);
}

Result<void> LinuxFiles::create_folder(const Path& path, std::uint32_t mode) {
    const auto location = locate(path);
    if (!location) {
        return location.error();
    }
    if (::mkdirat(location->folder.get(), location->name.c_str(), 0700) != 0) {
        return system_error("cannot create the folder " + path);
    }
    const FileDescriptor folder(
        ::openat(location->folder.get(), location->name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!folder || ::fchmod(folder.get(), mode & 07777) != 0) {
        return system_error("cannot set the mode of " + path);
    }
    return sync(location->folder.get(), path);
}

Result<void> LinuxFiles::create_link(const Path& path, const Path& target) {
    const auto location = locate(path);
    if (!location) {
        return location.error();
    }
    if (::symlinkat(target.c_str(), location->folder.get(), location->name.c_str()) != 0) {
        return system_error(fmt::format("cannot make {} a link to {}", path, target));
    }
    return sync(location->folder.get(), path);
}

Result<Path> LinuxFiles::link_target(const Path& path) const {
    return ask_file_system<Path>(path, "read the link " + path, [path]() -> Result<Path> {
        const auto location = locate(path);
        if (!location) {
            return location.error();
        }
        std::string target(PATH_MAX, '\0');
        const ssize_t size = ::readlinkat(location->folder.get(), location->name.c_str(), target.data(), target.size());
        if (size < 0) {
            const int code = errno;
            return code == EINVAL ? Error::invalid(path + " is no symbolic link", code)
                                  : system_error("cannot read the link " + path, code);
        }
        target.resize(static_cast<std::size_t>(size));
        return target;
    });
}

namespace {

/// Removes one name. `flags_for` returns the flags of unlinkat(2) for what it is, or why that is not to be removed.
template <class FlagsFor>
Result<void> remove_name(const Path& path, const FlagsFor& flags_for) {
    const auto location = locate(path);
    if (!location) {
        return location.error();
    }
    const auto status = status_of(*location);
    if (!status) {
        return status.error();
    }
    const Result<int> flags = flags_for(status->st_mode);
    if (!flags) {
        return flags.error();
    }
    if (::unlinkat(location->folder.get(), location->name.c_str(), *flags) != 0) {
        return system_error("cannot remove " + path);
    }
    return sync(location->folder.get(), path);
}

}  // namespace

Result<void> LinuxFiles::remove_link(const Path& path) {
    return remove_name(path, [&](mode_t mode) -> Result<int> {
        if (!S_ISLNK(mode)) return Error::invalid(path + " is no symbolic link");
        return 0;
    });
}

Result<void> LinuxFiles::set_permissions(const Path& path, const FilePermissions& permissions) {
    if (auto checked = check_only_we_lead_to(path); !checked) {
        return checked;
    }
    const auto location = locate(path);
    if (!location) {
        return location.error();
    }
    // A descriptor of exactly this file, even if another file takes its name meanwhile.
    const FileDescriptor file(
        ::openat(location->folder.get(), location->name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    struct stat status {};
    if (!file || ::fstat(file.get(), &status) != 0) {
        return system_error("cannot look at " + path);
    }
    if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode)) {
        return Error::invalid(path + " is neither a regular file nor a folder");
    }
    // Changes only what differs.
    const bool owner_differs = status.st_uid != permissions.uid || status.st_gid != permissions.gid;
    if (owner_differs && ::fchownat(file.get(), "", permissions.uid, permissions.gid, AT_EMPTY_PATH) != 0) {
        return system_error("cannot set the owner of " + path);
    }
    // Last, because a change of owner clears the set-id bits. fchmod refuses such a descriptor.
    const bool mode_differs = (status.st_mode & 07777) != (permissions.mode & 07777);
    if ((owner_differs || mode_differs) &&
        ::chmod(fmt::format("/proc/self/fd/{}", file.get()).c_str(), permissions.mode & 07777) != 0) {
        return system_error("cannot set the mode of " + path);
    }
    return {};
}

Result<void> LinuxFiles::move(const Path& from, const Path& to) {
    const auto source = locate(from);
    if (!source) {
        return source.error();
    }
    if (const auto status = status_of(*source); !status) {
        return status.error();
    }
    if (const std::size_t slash = to.find_last_of('/', to.find_last_not_of('/')); slash != 0 && slash != to.npos) {
        if (auto made = make_folders(to.substr(0, slash)); !made) {
            return made;
        }
    }
    const auto target = locate(to);
    if (!target) {
        return target.error();
    }
    const int code = rename_to_free_name(*source, *target);
    if (code == -EXDEV) {
        if (status_of(*target)) {
            return system_error(fmt::format("cannot move {} to {}", from, to), EEXIST);
        }
        if (auto moved = move_by_copy(*source, *target); !moved) {
            return moved;
        }
    } else if (code != 0) {
        return system_error(fmt::format("cannot move {} to {}", from, to), -code);
    }
    if (auto synced = sync(target->folder.get(), to); !synced) {
        return synced;
    }
    return sync(source->folder.get(), from);
}

Result<void> LinuxFiles::remove(const Path& path) {
    return remove_name(path, [&](mode_t mode) -> Result<int> {
        if (S_ISDIR(mode)) return AT_REMOVEDIR;
        if (!S_ISREG(mode)) return Error::invalid(path + " is neither a regular file nor a folder");
        return 0;
    });
}

Result<void> LinuxFiles::remove_leftovers(const Path& path) {
    auto location = locate(path);
    if (!location) {
        return location.error().kind == ErrorKind::not_found ? Result<void>() : location.error();
    }
    FileDescriptor listed(::fcntl(location->folder.get(), F_DUPFD_CLOEXEC, 0));
    const auto names = names_in(std::move(listed), path);
    if (!names) {
        return names.error();
    }
    bool removed_any = false;
    for (const std::string& name : *names) {
        if (!is_temporary_name(name)) {
            continue;
        }
        location->name = name;
        location->path = path.substr(0, path.rfind('/') + 1) + name;
        if (auto removed = remove_tree(*location); !removed) {
            return removed;
        }
        removed_any = true;
    }
    return removed_any ? sync(location->folder.get(), path) : Result<void>();
}

}  // namespace machine::local
