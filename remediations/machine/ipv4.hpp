#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace machine {

/// Parses an IPv4 address into a number: "168.63.129.16" is 0xA83F8110. Returns nullopt for other text.
std::optional<std::uint32_t> parse_ipv4(std::string_view text);

/// Returns "168.63.129.16" for 0xA83F8110.
std::string ipv4_text(std::uint32_t address);

}  // namespace machine
