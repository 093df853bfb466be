#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace machine {

/// The text with every byte that is not part of valid UTF-8 replaced by U+FFFD, so that it may
/// stand in JSON.
std::string valid_utf8(std::string_view text);

/// JSON text, in which every control character and every mark that changes the direction of writing stands as \\uXXXX:
/// it means the same to a program, and does nothing to a terminal.
std::string with_escaped_controls(std::string_view json);

/// The longest prefix of at most `bytes` bytes that does not end inside a character.
std::string_view utf8_prefix(std::string_view text, std::size_t bytes);

}  // namespace machine
