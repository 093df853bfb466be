#include "remediations/machine/linux/freeze_marker.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <string_view>

#include "remediations/machine/linux/system_error.hpp"

namespace machine::local {

namespace {

constexpr std::size_t most_of_content = std::size_t{1} << 20;

/// One byte for the kernel's switch, then "8:1" and "/data", each ended by a NUL, which no path contains.
std::string text_of(const FreezeMarker::Content& content) {
    std::string text(1, content.rcu_expedited);
    for (const auto& target : content.targets) {
        text += fmt::format("{}{}{}{}", target.device, '\0', target.mount_point, '\0');
    }
    return text;
}

FreezeMarker::Content content_of(std::string_view text) {
    FreezeMarker::Content content;
    if (text.empty()) return content;
    content.rcu_expedited = text.front();
    text.remove_prefix(1);
    while (true) {
        const auto device_end = text.find('\0');
        if (device_end == text.npos) return content;
        const auto end = text.find('\0', device_end + 1);
        if (end == text.npos) return content;  // cut short: it was killed before anything was frozen
        content.targets.push_back(
            {std::string(text.substr(device_end + 1, end - device_end - 1)), std::string(text.substr(0, device_end))});
        text.remove_prefix(end + 1);
    }
}

bool is_ours(int file) {
    struct stat status {};
    return ::fstat(file, &status) == 0 && S_ISREG(status.st_mode) && status.st_uid == ::geteuid() &&
           (status.st_mode & 0022) == 0;
}

}  // namespace

Result<FreezeMarker> FreezeMarker::create(const std::string& path, const Content& content) {
    FileDescriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600));
    if (!file || !is_ours(file.get())) return system_error("cannot make " + path);
    if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
        return Error::refused(fmt::format("another rehearsal is at work: {} is locked", path), errno);
    }
    const auto text = text_of(content);
    const bool is_written = ::ftruncate(file.get(), 0) == 0 &&
                            ::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
    if (!is_written) return system_error("cannot write " + path);
    return FreezeMarker(path, std::move(file));
}

std::optional<std::pair<FreezeMarker, FreezeMarker::Content>> FreezeMarker::abandoned(const std::string& path) {
    FileDescriptor file(::open(path.c_str(), O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!file || !is_ours(file.get()) || ::flock(file.get(), LOCK_EX | LOCK_NB) != 0) return std::nullopt;
    std::string text(most_of_content, '\0');
    const auto size = ::pread(file.get(), text.data(), text.size(), 0);
    if (size < 0) return std::nullopt;
    text.resize(static_cast<std::size_t>(size));
    return std::pair(FreezeMarker(path, std::move(file)), content_of(text));
}

void FreezeMarker::remove() const {
    ::unlink(path_.c_str());
}

}  // namespace machine::local
