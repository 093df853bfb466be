#include "remediations/machine/ipv4.hpp"

#include <fmt/format.h>

#include <charconv>

namespace machine {

// Asio's own reading asks Winsock on Windows, which has to be started first.
std::optional<std::uint32_t> parse_ipv4(std::string_view text) {
    std::uint32_t address = 0;
    for (int part = 0; part < 4; ++part) {
        if (part > 0) {
            if (!text.starts_with('.')) return std::nullopt;
            text.remove_prefix(1);
        }
        unsigned number = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
        const auto length = static_cast<std::size_t>(end - text.data());
        const bool has_leading_zero = length > 1 && text.front() == '0';
        if (error != std::errc() || number > 255 || has_leading_zero) return std::nullopt;
        address = address << 8 | number;
        text.remove_prefix(length);
    }
    return text.empty() ? std::optional(address) : std::nullopt;
}

std::string ipv4_text(std::uint32_t address) {
    return fmt::format("{}.{}.{}.{}", address >> 24, address >> 16 & 255, address >> 8 & 255, address & 255);
}

}  // namespace machine
