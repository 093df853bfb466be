#include "remediations/formats/base64.hpp"

#include <algorithm>
#include <cstdint>

namespace remediations {

namespace {

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

}  // namespace

std::string encode_base64(std::string_view bytes) {
    constexpr std::size_t bytes_in_group = 3;
    constexpr std::uint32_t digit_mask = 0x3F;
    std::string text;
    text.reserve((bytes.size() + bytes_in_group - 1) / bytes_in_group * 4);
    for (; !bytes.empty(); bytes.remove_prefix(std::min(bytes.size(), bytes_in_group))) {
        std::uint32_t group = 0;
        for (std::size_t index = 0; index < bytes_in_group; ++index) {
            group = group << 8U | (index < bytes.size() ? static_cast<std::uint8_t>(bytes[index]) : 0U);
        }
        text += alphabet[group >> 18U];
        text += alphabet[group >> 12U & digit_mask];
        text += bytes.size() > 1 ? alphabet[group >> 6U & digit_mask] : '=';
        text += bytes.size() > 2 ? alphabet[group & digit_mask] : '=';
    }
    return text;
}

std::optional<std::string> decode_base64(std::string_view text) {
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
