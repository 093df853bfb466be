#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace remediations {

/// RFC 4648 base64, padded, without line breaks.
std::string encode_base64(std::string_view bytes);

/// The bytes of RFC 4648 base64, padded. Line breaks are skipped; nothing on any other character,
/// a wrong length or padding, or bits left over.
std::optional<std::string> decode_base64(std::string_view text);

}  // namespace remediations
