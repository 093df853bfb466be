#include "remediations/machine/linux/mounts_linux.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "remediations/machine/linux/file_operations.hpp"

namespace machine::local {

namespace {

constexpr const char* mountinfo = "/proc/self/mountinfo";
/// A line is below 5 pages; Kubernetes nodes have thousands of lines.
constexpr std::size_t mountinfo_limit = std::size_t{64} << 20;

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

/// Undoes the kernel's \040 for a space; nothing for any other use of a backslash.
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

/// 36 35 98:0 /root /target options [optional fields] - type source file-system-options
std::optional<Mount> parse_line(std::string_view line) {
    const auto fields = split(line, ' ');
    const auto dash = std::find(fields.begin() + std::min<std::ptrdiff_t>(6, std::ssize(fields)), fields.end(), "-");
    // An empty source, which mount(2) allows, is an empty field.
    if (fields.end() - dash < 4) {
        return std::nullopt;
    }
    const auto target = unescape(fields[4]);
    const auto type = unescape(dash[1]);
    const auto source = unescape(dash[2]);
    if (!target || !target->starts_with('/') || !type || type->empty() || !source) {
        return std::nullopt;
    }
    return Mount{*source, *target, *type, combined_options(fields[5], dash[3])};
}

}  // namespace

Result<std::vector<Mount>> parse_mountinfo(std::string_view text) {
    std::vector<Mount> mounts;
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
            return Error{ErrorKind::invalid,
                         fmt::format("{} line {}: expected 'id parent major:minor root target options ... - type "
                                     "source options' with \\ooo escapes, found '{:.200}'",
                                     mountinfo, number, line),
                         0};
        }
        mounts.push_back(std::move(*mount));
    }
    return mounts;
}

Result<std::vector<Mount>> LinuxMounts::list() const {
    const auto text = read_regular_file(mountinfo, mountinfo_limit);
    return text ? parse_mountinfo(*text) : text.error();
}

}  // namespace machine::local
