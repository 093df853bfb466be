#include "remediations/machine/linux/mounts_linux.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mount.h>

#include <algorithm>
#include <optional>

#include "remediations/machine/linux/file_operations.hpp"
#include "remediations/machine/linux/system_error.hpp"
#include "remediations/machine/time_limit.hpp"

namespace machine::local {

namespace {

constexpr const char* mountinfo = "/proc/self/mountinfo";
/// A line is below 5 pages; Kubernetes nodes have thousands of lines.
constexpr std::size_t mountinfo_limit = std::size_t{64} << 20;
constexpr auto change_limit = std::chrono::seconds(10);

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    while (true) {
        const std::size_t end = text.find(separator);
        parts.push_back(text.substr(0, end));
        if (end == text.npos) {
            return parts;
        }
        text.remove_prefix(end + 1);
    }
}

/// Decodes the kernel's \040 for a space; nullopt for any other use of a backslash.
std::optional<std::string> unescape(std::string_view text) {
    std::string plain;
    const auto octal = [&](std::size_t at, char highest) {
        return at < text.size() && text[at] >= '0' && text[at] <= highest;
    };
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '\\') {
            plain += text[i];
            continue;
        }
        if (!octal(i + 1, '3') || !octal(i + 2, '7') || !octal(i + 3, '7')) {
            return std::nullopt;
        }
        plain += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
        i += 3;
    }
    return plain;
}

std::vector<std::string> combined_options(std::string_view of_mount, std::string_view of_file_system) {
    std::vector<std::string> options;
    for (const std::string_view list : {of_mount, of_file_system}) {
        for (const std::string_view option : split(list, ',')) {
            if (!option.empty() && std::find(options.begin(), options.end(), option) == options.end()) {
                options.emplace_back(option);
            }
        }
    }
    if (std::find(options.begin(), options.end(), "ro") != options.end()) {
        std::erase(options, "rw");
    }
    return options;
}

struct MountLine {
    Mount mount;
    std::string_view own_options;          ///< of the mount itself
    std::string_view file_system_options;  ///< those of its file system
};

/// 36 35 98:0 /root /target options [optional fields] - type source file-system-options
std::optional<MountLine> parse_line(std::string_view line) {
    const auto fields = split(line, ' ');
    const auto dash = std::find(fields.begin() + std::min<std::ptrdiff_t>(6, std::ssize(fields)), fields.end(), "-");
    // An empty source, which mount(2) allows, is an empty field.
    if (fields.end() - dash < 4) {
        return std::nullopt;
    }
    const auto root = unescape(fields[3]);
    const auto target = unescape(fields[4]);
    const auto type = unescape(dash[1]);
    const auto source = unescape(dash[2]);
    if (!root || root->empty() || !target || !target->starts_with('/') || !type || type->empty() || !source) {
        return std::nullopt;
    }
    return MountLine{{*source, *target, *type, combined_options(fields[5], dash[3]), std::string(fields[2]), *root},
                     fields[5],
                     dash[3]};
}

/// The lines are views into `text`.
Result<std::vector<MountLine>> parse_lines(std::string_view text) {
    std::vector<MountLine> mounts;
    std::size_t number = 0;
    if (text.ends_with('\n')) {
        text.remove_suffix(1);
    }
    if (text.empty()) {
        return mounts;
    }
    for (const std::string_view line : split(text, '\n')) {
        ++number;
        auto mount = parse_line(line);
        if (!mount) {
            return Error::invalid(
                fmt::format("{} line {}: expected 'id parent major:minor root target options ... - type "
                            "source options' with \\ooo escapes, found '{:.200}'",
                            mountinfo, number, line));
        }
        mounts.push_back(std::move(*mount));
    }
    return mounts;
}

/// Returns the flags that keep a mount's options when it is mounted again.
unsigned long mount_flags(std::string_view own_options) {
    constexpr unsigned long no_symbolic_links = 256;  // MS_NOSYMFOLLOW, Linux 5.10
    static constexpr std::pair<std::string_view, unsigned long> known[] = {
        {"ro", MS_RDONLY},         {"nosuid", MS_NOSUID},
        {"nodev", MS_NODEV},       {"noexec", MS_NOEXEC},
        {"noatime", MS_NOATIME},   {"nodiratime", MS_NODIRATIME},
        {"relatime", MS_RELATIME}, {"nosymfollow", no_symbolic_links},
    };
    unsigned long flags = 0;
    for (const std::string_view option : split(own_options, ',')) {
        const auto* found = std::ranges::find(known, option, [](const auto& flag) { return flag.first; });
        flags |= found == std::end(known) ? 0 : found->second;
    }
    // The kernel makes relatime of nothing, and shows nothing for strictatime.
    return (flags & (MS_NOATIME | MS_RELATIME)) == 0 ? flags | MS_STRICTATIME : flags;
}

}  // namespace

Result<std::vector<Mount>> parse_mountinfo(std::string_view text) {
    auto lines = parse_lines(text);
    if (!lines) {
        return lines.error();
    }
    std::vector<Mount> mounts;
    for (MountLine& line : *lines) {
        mounts.push_back(std::move(line.mount));
    }
    return mounts;
}

Result<std::vector<Mount>> LinuxMounts::list() const {
    const auto text = read_regular_file(mountinfo, mountinfo_limit);
    return text ? parse_mountinfo(*text) : text.error();
}

Result<void> LinuxMounts::remount(const Path& target, const std::string& option) {
    const std::string opposite = opposite_option(option);
    if (opposite.empty()) {
        return Error::unsupported(fmt::format("'{}' is not an option of a single mount", option));
    }
    const auto text = read_regular_file(mountinfo, mountinfo_limit);
    if (!text) {
        return text.error();
    }
    const auto lines = parse_lines(*text);
    if (!lines) {
        return lines.error();
    }
    // The last one mounted there hides the others.
    const auto found = std::find_if(lines->rbegin(), lines->rend(),
                                    [&](const MountLine& line) { return line.mount.target == target; });
    if (found == lines->rend()) {
        return Error::not_found(target + " is not a mount point");
    }
    const auto file_system_options = split(found->file_system_options, ',');
    if (option == "rw" && std::ranges::find(file_system_options, "ro") != file_system_options.end()) {
        return Error::refused(fmt::format("the file system at {} is itself read-only", target));
    }
    std::string options = option;
    for (const std::string_view own : split(found->own_options, ',')) {
        if (own != opposite) {
            options.append(",").append(own);
        }
    }
    const auto what = fmt::format("mount {} with option {}", target, option);
    const auto flags = mount_flags(options);
    return with_time_limit<void>(change_limit, what, [target, flags, what]() -> Result<void> {
        if (::mount(nullptr, target.c_str(), nullptr, MS_REMOUNT | MS_BIND | flags, nullptr) != 0) {
            return system_error("cannot " + what);
        }
        return {};
    });
}

Result<void> LinuxMounts::thaw(const Path& target) {
    const std::string what = "thaw the file system at " + target;
    return with_time_limit<void>(change_limit, what, [target, what]() -> Result<void> {
        const FileDescriptor root(::open(target.c_str(), O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC));
        // EINVAL: it is not frozen.
        if (!root || (::ioctl(root.get(), FITHAW, 0) != 0 && errno != EINVAL)) {
            return system_error("cannot " + what);
        }
        return {};
    });
}

}  // namespace machine::local
