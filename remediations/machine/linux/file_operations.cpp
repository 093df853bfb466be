#include "remediations/machine/linux/file_operations.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/random.h>
#include <sys/uio.h>
#include <sys/xattr.h>

#include <algorithm>
#include <array>
#include <climits>
#include <cstdint>
#include <limits>
#include <memory>

#include "remediations/machine/linux/system_error.hpp"

namespace machine::local {

namespace {

/// The kernel's own checksums of a file's content. It creates new ones for new content.
constexpr std::array integrity_attributes = {std::string_view("security.ima"), std::string_view("security.evm")};

constexpr std::string_view temporary_prefix = ".backup-remediation.";

/// Returns a path to an entry of an open folder, for calls without an *at form.
std::string path_through_folder(const Location& location) {
    return fmt::format("/proc/self/fd/{}/{}", location.folder.get(), location.name);
}

/// Calls `read(buffer, size)`, a getxattr or listxattr, until the buffer is large enough. Returns a negative errno on
/// failure.
template <class Read>
ssize_t read_growing(std::string& buffer, Read read) {
    while (true) {
        const ssize_t size = read(nullptr, 0);
        if (size < 0) {
            return -errno;
        }
        buffer.resize(static_cast<std::size_t>(size));
        if (size == 0) {
            return 0;
        }
        const ssize_t got = read(buffer.data(), buffer.size());
        if (got >= 0) {
            buffer.resize(static_cast<std::size_t>(got));
            return got;
        }
        if (errno != ERANGE) {
            return -errno;
        }
    }
}

Result<std::vector<std::string>> attribute_names(const Location& location) {
    std::string buffer;
    const std::string path = path_through_folder(location);
    const ssize_t size =
        read_growing(buffer, [&](char* data, std::size_t room) { return ::llistxattr(path.c_str(), data, room); });
    if (size == -ENOTSUP) {
        return std::vector<std::string>{};
    }
    if (size < 0) {
        return system_error("cannot list the extended attributes of " + location.path, static_cast<int>(-size));
    }
    std::vector<std::string> names;
    for (std::size_t start = 0; start < buffer.size();) {
        const std::size_t end = std::min(buffer.find('\0', start), buffer.size());
        names.push_back(buffer.substr(start, end - start));
        start = end + 1;
    }
    std::erase_if(names, [](const std::string& name) {
        return std::find(integrity_attributes.begin(), integrity_attributes.end(), name) != integrity_attributes.end();
    });
    return names;
}

Result<std::string> attribute(const Location& location, const std::string& name) {
    std::string value;
    const std::string path = path_through_folder(location);
    const ssize_t size = read_growing(
        value, [&](char* data, std::size_t room) { return ::lgetxattr(path.c_str(), name.c_str(), data, room); });
    if (size < 0) {
        return system_error(fmt::format("cannot read extended attribute {} of {}", name, location.path),
                            static_cast<int>(-size));
    }
    return value;
}

Result<void> take_over_attributes(const Location& original, const struct stat& status, const Location& temporary,
                                  int descriptor) {
    if (::fchown(descriptor, status.st_uid, status.st_gid) != 0) {
        return system_error("cannot keep the owner of " + original.path);
    }
    if (auto copied = copy_extended_attributes(original, temporary); !copied) {
        return copied;
    }
    // Last, because a change of owner clears the set-id bits.
    if (::fchmod(descriptor, status.st_mode & 07777) != 0) {
        return system_error("cannot keep the mode of " + original.path);
    }
    return {};
}

}  // namespace

Result<FileDescriptor> open_folder(const std::string& path) {
    constexpr int most_links = 40;  // as the kernel has it
    const auto failed = [&](int code) { return system_error("cannot open folder " + path, code); };
    FileDescriptor folder(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
    std::string rest = path;
    for (int links = 0; folder && !rest.empty();) {
        const std::size_t end = std::min(rest.find('/'), rest.size());
        const std::string name = rest.substr(0, end);
        rest.erase(0, end + 1);
        if (name.empty() || name == ".") {
            continue;
        }
        // O_DIRECTORY makes the kernel mount what it mounts on demand; a link it refuses.
        FileDescriptor next(::openat(folder.get(), name.c_str(), O_PATH | O_NOFOLLOW | O_DIRECTORY | O_CLOEXEC));
        if (!next && errno == ENOTDIR) {
            next = FileDescriptor(::openat(folder.get(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
        }
        struct stat status {};
        if (!next || ::fstat(next.get(), &status) != 0) {
            return failed(errno);
        }
        if (!S_ISLNK(status.st_mode)) {
            folder = std::move(next);
            continue;
        }
        if (status.st_uid != 0 && status.st_uid != ::geteuid()) {
            return Error::refused(
                fmt::format("{}: on the way to it, {} is a symbolic link of user {}, which is not followed", path, name,
                            status.st_uid));
        }
        std::array<char, PATH_MAX> target{};
        const ssize_t size = ::readlinkat(next.get(), "", target.data(), target.size());
        if (size < 0 || ++links > most_links) {
            return failed(size < 0 ? errno : ELOOP);
        }
        rest.insert(0, std::string(target.data(), static_cast<std::size_t>(size)) + "/");
        if (target[0] == '/') {
            folder = FileDescriptor(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
        }
    }
    if (!folder) {
        return failed(errno);
    }
    FileDescriptor readable(::openat(folder.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    return readable ? std::move(readable) : Result<FileDescriptor>(failed(errno));
}

/// The group bits are also the mask of an ACL, so this also finds everybody whom an ACL lets write.
Result<void> check_only_we_write_to(int folder, const std::string& path) {
    struct stat status {};
    if (::fstat(folder, &status) != 0) {
        return system_error("cannot look at folder " + path);
    }
    if (status.st_uid != 0 && status.st_uid != ::geteuid()) {
        return Error::refused(fmt::format("{} belongs to user {}, expected root", path, status.st_uid));
    }
    if ((status.st_mode & 022) != 0) {
        return Error::refused(
            fmt::format("{} can be written to by others than its owner (mode {:04o})", path, status.st_mode & 07777));
    }
    return {};
}

Result<void> check_only_we_lead_to(const std::string& path) {
    const auto is_ours = [](const struct stat& status) { return status.st_uid == 0 || status.st_uid == ::geteuid(); };
    for (std::size_t slash = path.find('/'); slash != path.npos; slash = path.find('/', slash + 1)) {
        const std::string folder = path.substr(0, std::max<std::size_t>(slash, 1));
        const auto opened = open_folder(folder);
        if (!opened) {
            return opened.error();
        }
        struct stat status {};
        if (::fstat(opened->get(), &status) != 0) {
            return system_error("cannot look at folder " + folder);
        }
        const std::string next = path.substr(slash + 1, path.find('/', slash + 1) - slash - 1);
        if (next.empty() || (is_ours(status) && (status.st_mode & 022) == 0)) {
            continue;
        }
        // In a folder with the sticky bit only the folder's owner may remove or rename our files.
        struct stat entry {};
        const bool is_sticky = is_ours(status) && (status.st_mode & S_ISVTX) != 0 &&
                               ::fstatat(opened->get(), next.c_str(), &entry, AT_SYMLINK_NOFOLLOW) == 0 &&
                               is_ours(entry);
        if (!is_sticky) {
            return Error::refused(
                fmt::format("{}: others than root can write to {} (owner {}, mode {:04o}) on the way to it", path,
                            folder, status.st_uid, status.st_mode & 07777));
        }
    }
    return {};
}

Result<Location> locate(const std::string& path) {
    std::string_view whole = path;
    while (whole.size() > 1 && whole.back() == '/') {
        whole.remove_suffix(1);
    }
    if (whole.empty() || whole.front() != '/' || whole.find('\0') != std::string_view::npos) {
        return Error::invalid(fmt::format("'{}' is not an absolute path", path));
    }
    const std::size_t slash = whole.rfind('/');
    const std::string folder(whole.substr(0, std::max<std::size_t>(slash, 1)));
    std::string name(whole.substr(slash + 1));
    if (name.empty() || name == "." || name == "..") {
        name = ".";
        if (whole != "/") {
            return Error::invalid(fmt::format("'{}' does not name an entry of a folder", path));
        }
    }
    auto descriptor = open_folder(folder);
    if (!descriptor) {
        return descriptor.error();
    }
    return Location{std::move(*descriptor), std::move(name), std::string(whole)};
}

Result<struct stat> status_of(const Location& location) {
    struct stat status {};
    if (::fstatat(location.folder.get(), location.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
        return system_error("cannot look at " + location.path);
    }
    return status;
}

Result<FileDescriptor> open_regular_file(const Location& location) {
    const auto not_regular = [&](const struct stat& status) {
        return Error::invalid(location.path +
                              (S_ISLNK(status.st_mode)   ? " is a symbolic link"
                               : S_ISDIR(status.st_mode) ? " is a folder"
                                                         : " is a device, pipe or socket") +
                              ", expected a regular file");
    };
    // Looked at before it is opened, because opening alone can set off a device.
    const auto before = status_of(location);
    if (!before) {
        return before.error();
    }
    if (!S_ISREG(before->st_mode)) {
        return not_regular(*before);
    }
    FileDescriptor file(::openat(location.folder.get(), location.name.c_str(),
                                 O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    if (!file) {
        return system_error("cannot open " + location.path);
    }
    struct stat opened {};
    if (::fstat(file.get(), &opened) != 0) {
        return system_error("cannot look at " + location.path);
    }
    if (!S_ISREG(opened.st_mode)) {
        return not_regular(opened);
    }
    return file;
}

Result<std::string> read_regular_file(const std::string& path, std::size_t limit) {
    const auto location = locate(path);
    if (!location) {
        return location.error();
    }
    const auto file = open_regular_file(*location);
    if (!file) {
        return file.error();
    }
    const Error too_large = Error::too_large(fmt::format("{} has more than {} bytes", path, limit));
    struct stat status {};
    if (::fstat(file->get(), &status) == 0 && static_cast<std::size_t>(status.st_size) > limit) {
        return too_large;
    }
    // A file in /proc says its size is 0, so the size is only where to begin.
    std::string content;
    content.resize(std::min(limit, std::max<std::size_t>(static_cast<std::size_t>(status.st_size), 4095)) + 1);
    std::size_t used = 0;
    while (true) {
        const ssize_t count = ::read(file->get(), content.data() + used, content.size() - used);
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count < 0) {
            return system_error("cannot read " + path);
        }
        if (count == 0) {
            content.resize(used);
            return content;
        }
        used += static_cast<std::size_t>(count);
        if (used > limit) {
            return too_large;
        }
        if (used == content.size()) {
            content.resize(std::min(limit + 1, used * 2));
        }
    }
}

namespace {

/// Reads at most `size` bytes at `position`, like pread, and leaves the page cache as it was: pages that were not
/// cached before are dropped again, so that a log of gigabytes does not push a database's pages out.
ssize_t read_leaving_no_cache(int file, char* target, std::size_t size, off_t position) {
    iovec buffer{target, size};
    const ssize_t cached = ::preadv2(file, &buffer, 1, position, RWF_NOWAIT);
    if (cached > 0) return cached;
    const ssize_t count = ::pread(file, target, size, position);
    if (count > 0) ::posix_fadvise(file, position, count, POSIX_FADV_DONTNEED);
    return count;
}

}  // namespace

Result<std::string> read_regular_file_range(const std::string& path, std::uint64_t offset, std::size_t length) {
    const auto location = locate(path);
    if (!location) {
        return location.error();
    }
    const auto file = open_regular_file(*location);
    if (!file) {
        return file.error();
    }
    ::posix_fadvise(file->get(), 0, 0, POSIX_FADV_RANDOM);  // no more than is asked for
    constexpr std::size_t step = std::size_t{64} << 10;
    constexpr auto last = static_cast<std::uint64_t>(std::numeric_limits<off_t>::max());
    std::string content;
    while (content.size() < length && offset <= last - content.size()) {
        const std::size_t used = content.size();
        const std::uint64_t position = offset + used;
        const std::size_t piece = std::min(length - used, std::max(step, used));
        content.resize(used + static_cast<std::size_t>(std::min<std::uint64_t>(piece, last - position)));
        const ssize_t count = read_leaving_no_cache(file->get(), content.data() + used, content.size() - used,
                                                    static_cast<off_t>(position));
        content.resize(used + static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
        if (count < 0 && errno != EINTR) {
            return system_error("cannot read " + path);
        }
        if (count == 0) {
            break;
        }
    }
    return content;
}

Result<std::vector<std::string>> names_in(FileDescriptor folder, const std::string& path) {
    const std::unique_ptr<DIR, int (*)(DIR*)> stream(::fdopendir(folder.get()), ::closedir);
    if (!stream) {
        return system_error("cannot list " + path);
    }
    folder.release();
    std::vector<std::string> names;
    errno = 0;
    while (const dirent* entry = ::readdir(stream.get())) {
        const std::string_view name = entry->d_name;
        if (name != "." && name != "..") {
            names.emplace_back(name);
        }
        errno = 0;
    }
    if (errno != 0) {
        return system_error("cannot list " + path);
    }
    std::sort(names.begin(), names.end());
    return names;
}

Result<void> write_all(int descriptor, std::string_view content, const std::string& path) {
    while (!content.empty()) {
        const ssize_t count = ::write(descriptor, content.data(), content.size());
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count < 0) {
            return system_error("cannot write " + path);
        }
        content.remove_prefix(static_cast<std::size_t>(count));
    }
    return {};
}

Result<void> sync(int descriptor, const std::string& path) {
    // EINVAL, EROFS: this file system has nothing to sync.
    if (::fsync(descriptor) != 0 && errno != EINVAL && errno != EROFS) {
        return system_error("cannot sync " + path);
    }
    return {};
}

Result<void> make_folders(const std::string& folder) {
    struct stat status {};
    if (::stat(folder.c_str(), &status) == 0) {
        if (!S_ISDIR(status.st_mode)) {
            return Error::invalid(folder + " is not a folder");
        }
        return {};
    }
    if (errno != ENOENT) {
        return system_error("cannot look at " + folder);
    }
    const std::size_t slash = folder.find_last_of('/', folder.find_last_not_of('/'));
    if (slash != 0 && slash != std::string::npos) {
        if (auto made = make_folders(folder.substr(0, slash)); !made) {
            return made;
        }
    }
    const auto location = locate(folder);
    if (!location) {
        return location.error();
    }
    if (::mkdirat(location->folder.get(), location->name.c_str(), 0700) != 0 && errno != EEXIST) {
        return system_error("cannot create folder " + folder);
    }
    return sync(location->folder.get(), folder);
}

Result<void> replace_file(const std::string& path, std::string_view content, mode_t mode, Attributes attributes) {
    auto target = locate(path);
    if (!target) {
        return target.error();
    }
    if (attributes == Attributes::reset) {
        if (auto checked = check_only_we_write_to(target->folder.get(), path.substr(0, path.rfind('/'))); !checked) {
            return checked;
        }
    }
    struct stat original {};
    const bool exists = ::fstatat(target->folder.get(), target->name.c_str(), &original, AT_SYMLINK_NOFOLLOW) == 0;
    if (!exists && errno != ENOENT) {
        return system_error("cannot look at " + path);
    }
    if (exists && !S_ISREG(original.st_mode)) {
        return Error::invalid(path + (S_ISLNK(original.st_mode) ? " is a symbolic link" : " is not a regular file") +
                              ", which is not replaced");
    }

    if (exists && attributes == Attributes::keep && original.st_nlink > 1) {
        return Error::refused(fmt::format("{} has {} names (hard links); replacing it would part it from the others",
                                          path, original.st_nlink));
    }

    const Location temporary{FileDescriptor(::fcntl(target->folder.get(), F_DUPFD_CLOEXEC, 0)), temporary_name(), path};
    const FileDescriptor file(::openat(temporary.folder.get(), temporary.name.c_str(),
                                       O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file) {
        return system_error("cannot create a file beside " + path);
    }
    const auto fill = [&]() -> Result<void> {
        if (auto written = write_all(file.get(), content, path); !written) {
            return written;
        }
        if (exists && attributes == Attributes::keep) {
            if (auto kept = take_over_attributes(*target, original, temporary, file.get()); !kept) {
                return kept;
            }
        } else if (::fchmod(file.get(), mode) != 0) {
            return system_error("cannot set the mode of " + path);
        }
        if (auto synced = sync(file.get(), path); !synced) {
            return synced;
        }
        if (::renameat(temporary.folder.get(), temporary.name.c_str(), target->folder.get(), target->name.c_str()) !=
            0) {
            return system_error("cannot replace " + path);
        }
        return {};
    };
    if (auto filled = fill(); !filled) {
        ::unlinkat(temporary.folder.get(), temporary.name.c_str(), 0);
        return filled;
    }
    return sync(target->folder.get(), path);
}

Result<void> copy_extended_attributes(const Location& from, const Location& to) {
    const auto wanted = attribute_names(from);
    if (!wanted) {
        return wanted.error();
    }
    const auto present = attribute_names(to);
    if (!present) {
        return present.error();
    }
    const std::string path = path_through_folder(to);
    for (const std::string& name : *wanted) {
        const auto value = attribute(from, name);
        if (!value) {
            return value.error();
        }
        // The label a new file gets by itself is often the right one, and setting it may be forbidden.
        if (const auto now = attribute(to, name); now && *now == *value) {
            continue;
        }
        if (::lsetxattr(path.c_str(), name.c_str(), value->data(), value->size(), 0) != 0) {
            return system_error(fmt::format("cannot keep extended attribute {} of {}", name, from.path));
        }
    }
    // A default ACL of the folder gives a new file an ACL that the original does not have.
    for (const std::string& name : *present) {
        if (std::find(wanted->begin(), wanted->end(), name) == wanted->end() &&
            ::lremovexattr(path.c_str(), name.c_str()) != 0 && errno != ENODATA) {
            return system_error(fmt::format("cannot remove extended attribute {} of {}", name, to.path));
        }
    }
    return {};
}

std::string temporary_name() {
    std::uint64_t number = 0;
    while (::getrandom(&number, sizeof number, 0) != sizeof number) {
    }
    return fmt::format("{}{:016x}", temporary_prefix, number);
}

bool is_temporary_name(std::string_view name) {
    return name.size() == temporary_prefix.size() + 16 && name.starts_with(temporary_prefix) &&
           name.find_first_not_of("0123456789abcdef", temporary_prefix.size()) == name.npos;
}

}  // namespace machine::local
