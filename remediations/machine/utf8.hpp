#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace machine {

/// Returns the text with every byte that is not valid UTF-8 replaced by U+FFFD, so that JSON can contain it.
std::string valid_utf8(std::string_view text);

/// Returns JSON in which every control character, and every mark that changes the writing direction, is escaped as
/// \\uXXXX. A program reads the same from it, and a terminal is not affected.
std::string with_escaped_controls(std::string_view json);

/// Returns the longest prefix of at most `bytes` bytes that does not end inside a character.
std::string_view utf8_prefix(std::string_view text, std::size_t bytes);

}  // namespace machine
