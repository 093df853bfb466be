#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace remediations {

/// Encodes bytes as RFC 4648 base64, padded, without line breaks.
std::string encode_base64(std::string_view bytes);

/// Decodes RFC 4648 base64, padded. Skips line breaks. Returns nullopt on any other character, a wrong length, wrong
/// padding, or bits left over.
std::optional<std::string> decode_base64(std::string_view text);

}  // namespace remediations
