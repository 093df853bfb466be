#include "remediations/formats/base64.hpp"

#include <algorithm>
#include <cstdint>

namespace remediations {

std::optional<std::string> decode_base64(std::string_view text) {
    constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    constexpr std::size_t digits_in_group = 4;
    std::string bytes;
    bytes.reserve(text.size() / digits_in_group * 3);
    std::uint32_t pending = 0;  // bits not yet written
    unsigned pending_bits = 0;
    std::size_t digits = 0;
    std::size_t padding = 0;
    for (const char c : text) {
        if (c == '\r' || c == '\n') continue;
        if (c == '=') {
            ++padding;
            continue;
        }
        const auto digit = alphabet.find(c);
        if (digit == std::string_view::npos || padding > 0) return std::nullopt;
        ++digits;
        pending = pending << 6U | static_cast<std::uint32_t>(digit);
        pending_bits += 6;
        if (pending_bits >= 8) {
            pending_bits -= 8;
            bytes.push_back(static_cast<char>(pending >> pending_bits & 0xFFU));
            pending &= (1U << pending_bits) - 1;
        }
    }
    const bool whole = (digits + padding) % digits_in_group == 0 && padding <= 2 && pending == 0;
    return whole ? std::optional(std::move(bytes)) : std::nullopt;
}

}  // namespace remediations
