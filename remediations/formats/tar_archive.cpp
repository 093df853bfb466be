#include "remediations/formats/tar_archive.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>

namespace remediations {

namespace {

constexpr std::size_t block = 512;

/// Where a header has what, as pax(1) of POSIX says.
struct Field {
    std::size_t offset;
    std::size_t length;
};
constexpr Field name_field{0, 100};
constexpr Field size_field{124, 12};
constexpr std::size_t type_offset = 156;
constexpr Field magic_field{257, 5};
constexpr Field prefix_field{345, 155};

/// Without the NUL or blank that ends it.
std::string_view text_in(std::string_view header, Field field) {
    const auto text = header.substr(field.offset, field.length);
    return text.substr(0, text.find('\0'));
}

std::optional<std::uint64_t> octal_in(std::string_view header, Field field) {
    auto digits = text_in(header, field);
    digits.remove_prefix(std::min(digits.find_first_not_of(' '), digits.size()));
    digits = digits.substr(0, digits.find(' '));
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number, 8);
    if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
    return number;
}

std::string path_in(std::string_view header) {
    // GNU tar ("ustar  ") has other things where POSIX ("ustar\0") has the beginning of a long path.
    const bool is_posix = header[magic_field.offset + magic_field.length] == '\0';
    const auto prefix = is_posix ? text_in(header, prefix_field) : std::string_view();
    auto path = std::string(prefix) + (prefix.empty() ? "" : "/") + std::string(text_in(header, name_field));
    return path.starts_with("./") ? path.substr(2) : path;
}

}  // namespace

machine::Result<std::string_view> file_in_tar(std::string_view archive, std::string_view name) {
    const auto invalid = [](std::size_t offset, const char* expected) {
        return machine::Error::invalid(fmt::format("tar archive, offset {}: expected {}", offset, expected));
    };
    for (std::size_t offset = 0; offset < archive.size();) {
        const auto rest = archive.substr(offset);
        if (rest.size() < block) return invalid(offset, "a header of 512 bytes");
        const auto header = rest.substr(0, block);
        if (header.find_first_not_of('\0') == header.npos) break;  // the end of the archive
        if (text_in(header, magic_field) != "ustar") return invalid(offset + magic_field.offset, "\"ustar\"");
        const auto size = octal_in(header, size_field);
        if (!size) return invalid(offset + size_field.offset, "a size in octal digits");
        if (*size > rest.size() - block) return invalid(offset + size_field.offset, "a file that the archive holds");
        const auto content = rest.substr(block, static_cast<std::size_t>(*size));
        const char type = header[type_offset];
        if ((type == '0' || type == '\0') && path_in(header) == name) return content;
        offset += block + (content.size() + block - 1) / block * block;
    }
    return machine::Error::not_found(fmt::format("the tar archive has no file {}", name));
}

}  // namespace remediations
