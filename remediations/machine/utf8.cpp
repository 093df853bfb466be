#include "remediations/machine/utf8.hpp"

#include <algorithm>
#include <cstdint>

namespace machine {

namespace {

bool is_continuation(char byte) {
    return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U;
}

/// Returns the number of bytes of the valid character at the start of `text`; 0 where there is none (RFC 3629: no
/// overlong forms, no surrogates, nothing above U+10FFFF).
std::size_t character_length(std::string_view text) {
    const auto lead = static_cast<unsigned char>(text.front());
    if (lead < 0x80) return 1;
    const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    if (lead < 0xC2 || lead > 0xF4 || text.size() < length) return 0;
    if (!std::ranges::all_of(text.substr(1, length - 1), is_continuation)) return 0;
    const auto second = static_cast<unsigned char>(text[1]);
    const bool overlong = (lead == 0xE0 && second < 0xA0) || (lead == 0xF0 && second < 0x90);
    const bool surrogate = lead == 0xED && second >= 0xA0;
    const bool too_high = lead == 0xF4 && second >= 0x90;
    return overlong || surrogate || too_high ? 0 : length;
}

}  // namespace

std::string valid_utf8(std::string_view text) {
    std::string valid;
    valid.reserve(text.size());
    while (!text.empty()) {
        const auto length = character_length(text);
        if (length == 0) {
            valid += "\xEF\xBF\xBD";
        } else {
            valid += text.substr(0, length);
        }
        text.remove_prefix(std::max<std::size_t>(length, 1));
    }
    return valid;
}

std::string_view utf8_prefix(std::string_view text, std::size_t bytes) {
    if (text.size() <= bytes) return text;
    while (bytes > 0 && is_continuation(text[bytes])) --bytes;
    return text.substr(0, bytes);
}

std::string with_escaped_controls(std::string_view json) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string escaped;
    for (std::size_t at = 0; at < json.size();) {
        const auto byte = [&](std::size_t offset) {
            return at + offset < json.size() ? static_cast<unsigned char>(json[at + offset]) : 0U;
        };
        unsigned code = 0;
        if (byte(0) == 0x7f) code = 0x7f;
        if (byte(0) >= 0xc2 && byte(0) <= 0xdf) code = (byte(0) & 0x1fU) << 6 | (byte(1) & 0x3fU);
        if (byte(0) >= 0xe1 && byte(0) <= 0xef) {
            code = (byte(0) & 0x0fU) << 12 | (byte(1) & 0x3fU) << 6 | (byte(2) & 0x3fU);
        }
        const bool is_control = code == 0x7f || (code >= 0x80 && code <= 0x9f);
        const bool turns_text = code == 0x061c || (code >= 0x200b && code <= 0x200f) ||
                                (code >= 0x2028 && code <= 0x202e) || (code >= 0x2060 && code <= 0x206f) ||
                                code == 0xfeff;
        const std::size_t length = code < 0x80 ? 1 : code < 0x800 ? 2 : 3;
        if (is_control || turns_text) {
            escaped += "\\u";
            for (int shift = 12; shift >= 0; shift -= 4) escaped += digits[code >> static_cast<unsigned>(shift) & 0xfU];
        } else {
            escaped.append(json.substr(at, length));
        }
        at += length;
    }
    return escaped;
}

}  // namespace machine
