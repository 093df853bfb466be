#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "remediations/machine/linux/file_operations.hpp"
#include "remediations/machine/linux/files_linux.hpp"
#include "remediations/machine/linux/system_error.hpp"
#include "remediations/machine/local/detached_process.hpp"
#include "remediations/machine/local/durable_file.hpp"

namespace machine::local {

namespace {

Result<void> cut_torn_line(int file, const std::string& path) {
    struct stat status {};
    if (::fstat(file, &status) != 0) {
        return system_error("cannot look at " + path);
    }
    off_t end = status.st_size;
    for (bool torn = end > 0; torn;) {
        std::array<char, 4096> piece;
        const off_t begin = std::max<off_t>(0, end - static_cast<off_t>(piece.size()));
        const ssize_t count = ::pread(file, piece.data(), static_cast<std::size_t>(end - begin), begin);
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count != end - begin) {
            return system_error("cannot read " + path, count < 0 ? errno : EIO);
        }
        const auto line_feed = std::string_view(piece.data(), static_cast<std::size_t>(count)).rfind('\n');
        torn = line_feed == std::string_view::npos && begin > 0;
        end = line_feed == std::string_view::npos ? begin : begin + static_cast<off_t>(line_feed) + 1;
    }
    if (end < status.st_size && ::ftruncate(file, end) != 0) {
        return system_error("cannot cut the torn last line off " + path);
    }
    return {};
}

}  // namespace

Result<void> check_only_we_write_to(const std::filesystem::path& folder) {
    const auto opened = open_folder(folder.string());
    return opened ? check_only_we_write_to(opened->get(), folder.string()) : opened.error();
}

Result<PinnedFolder> PinnedFolder::open(const std::filesystem::path& folder) {
    auto opened = open_folder(folder.string());
    if (!opened) {
        return opened.error();
    }
    if (auto checked = check_only_we_write_to(opened->get(), folder.string()); !checked) {
        return checked.error();
    }
    PinnedFolder pinned;
    pinned.path_ = fmt::format("/proc/self/fd/{}", opened->get());
    pinned.handle_ = std::make_shared<FileDescriptor>(std::move(*opened));
    return pinned;
}

Result<bool> PinnedFolder::drop_what_is_not_ours(const std::string& name) const {
    const int folder = std::static_pointer_cast<FileDescriptor>(handle_)->get();
    struct stat status {};
    if (::fstatat(folder, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
        return errno == ENOENT ? Result<bool>(false) : system_error("cannot look at " + name);
    }
    if (S_ISREG(status.st_mode) && status.st_nlink == 1 && status.st_uid == ::geteuid()) {
        return false;
    }
    // The name alone: what it led to stays as it is.
    if (::unlinkat(folder, name.c_str(), 0) != 0) {
        return system_error("cannot remove " + name + ", which is no file of ours");
    }
    return true;
}

Result<void> write_durably(const std::filesystem::path& path, std::string_view content, bool private_to_owner) {
    return replace_file(path.string(), content, private_to_owner ? 0600 : 0644, Attributes::reset);
}

Result<void> write_program_durably(const std::filesystem::path& path, std::string_view content) {
    return replace_file(path.string(), content, 0700, Attributes::reset);
}

Result<void> remove_leftovers(const std::filesystem::path& folder) {
    return LinuxFiles().remove_leftovers((folder / "any name").string());
}

Result<void> append_line_durably(const std::filesystem::path& path, std::string_view line) {
    const auto location = locate(path.string());
    if (!location) {
        return location.error();
    }
    if (auto checked = check_only_we_write_to(location->folder.get(), path.parent_path().string()); !checked) {
        return checked;
    }
    if (const auto status = status_of(*location); status && !S_ISREG(status->st_mode)) {
        return Error::invalid(path.string() + " is not a regular file");
    }
    // Not created by the same call: the folder is synced only when a name was added to it.
    const int flags = O_RDWR | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
    const char* name = location->name.c_str();
    FileDescriptor file(::openat(location->folder.get(), name, flags));
    const bool create = !file && errno == ENOENT;
    if (create) {
        file = FileDescriptor(::openat(location->folder.get(), name, flags | O_CREAT, 0600));
    }
    if (!file) {
        return system_error("cannot open " + path.string());
    }
    if (auto cut = cut_torn_line(file.get(), path.string()); !cut) {
        return cut;
    }
    if (auto written = write_all(file.get(), line, path.string()); !written) {
        return written;
    }
    if (auto synced = sync(file.get(), path.string()); !synced) {
        return synced;
    }
    return create ? sync(location->folder.get(), path.string()) : Result<void>{};
}

Result<std::string> read_file(const std::filesystem::path& path, std::size_t limit) {
    return read_regular_file(path.string(), limit);
}

Result<std::filesystem::path> make_private_folder(const std::filesystem::path& folder) {
    if (auto made = make_folders(folder.string()); !made) {
        return made.error();
    }
    const auto location = locate(folder.string());
    if (!location) {
        return location.error();
    }
    const FileDescriptor opened(
        ::openat(location->folder.get(), location->name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    struct stat status {};
    if (!opened || ::fstat(opened.get(), &status) != 0) {
        return system_error("cannot open folder " + folder.string());
    }
    if (status.st_uid != ::geteuid()) {
        return Error::refused(folder.string() + " belongs to user " + std::to_string(status.st_uid) + ", expected " +
                              std::to_string(::geteuid()));
    }
    // The group bits are also the mask of an ACL, so this sees whoever an ACL lets in.
    if ((status.st_mode & 022) != 0) {
        return Error::refused(folder.string() + " can be written to by others than its owner");
    }
    if ((status.st_mode & 07777) != 0700 && ::fchmod(opened.get(), 0700) != 0) {
        return system_error("cannot set the mode of " + folder.string());
    }
    return std::filesystem::path();
}

std::filesystem::path state_folder() {
    const char* wanted = is_privileged() ? nullptr : ::secure_getenv("BACKUP_REMEDIATION_STATE");
    return wanted != nullptr && *wanted == '/' ? wanted : "/var/lib/backup-remediation";
}

}  // namespace machine::local
