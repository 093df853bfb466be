#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace machine {

/// An IPv4 address as a number, 168.63.129.16 being 0xA83F8110; nothing for other text.
std::optional<std::uint32_t> parse_ipv4(std::string_view text);

/// "168.63.129.16" of 0xA83F8110.
std::string ipv4_text(std::uint32_t address);

}  // namespace machine
