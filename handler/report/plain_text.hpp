#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace handler {

/// Returns valid UTF-8 on one line that cannot control a terminal: control characters, and characters that reorder
/// text, are escaped (\n, \t, \x1b, \u202e).
std::string visible(std::string_view bytes);

/// The same text with whatever is not ASCII spelled out (\\u00e9), for a terminal that shows no UTF-8. Escape sequences
/// stay. `text` is valid UTF-8.
std::string in_ascii(std::string_view text);

/// Returns the first `characters` characters of valid UTF-8.
std::string_view first_characters(std::string_view text, std::size_t characters);

/// Returns the same and, where bytes were left out, their number.
std::string shortened(std::string_view text, std::size_t characters);

/// Returns the number of characters of valid UTF-8. A double-width character counts as one.
std::size_t length(std::string_view text);

/// Returns lines of at most `width` characters, broken at spaces. A longer word gets a line of its own, so that paths
/// and commands can still be copied. A line feed in `text` breaks the line too.
std::vector<std::string> wrap(std::string_view text, std::size_t width);

/// Returns up to three of `known` that `word` may be a misspelling of, nearest first; compares without case.
std::vector<std::string> near_misses(std::string_view word, const std::vector<std::string>& known);

/// Returns "; did you mean a or b?"; empty without near misses.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& known);

}  // namespace handler
