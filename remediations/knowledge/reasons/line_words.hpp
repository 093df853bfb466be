#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace remediations {

constexpr bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
constexpr bool is_capital(char c) {
    return c >= 'A' && c <= 'Z';
}
constexpr bool is_small(char c) {
    return c >= 'a' && c <= 'z';
}
constexpr bool is_letter(char c) {
    return is_capital(c) || is_small(c);
}
constexpr bool is_of_name(char c) {
    return is_letter(c) || is_digit(c) || c == '_';
}
constexpr char to_small(char c) {
    return is_capital(c) ? static_cast<char>(c - 'A' + 'a') : c;
}

/// What stands before a number: in "Non-zero exit code: [127" the words "code", "exit" and "zero", nearest first, in
/// small letters, and the marks between the nearest and the number, ": [". Bounded, so that it costs the same for
/// every number of a long line.
struct Label {
    std::array<std::string, 3> words;
    std::string_view marks;

    bool is(std::string_view nearest, std::string_view second = {}, std::string_view third = {}) const {
        return words[0] == nearest && (second.empty() || words[1] == second) && (third.empty() || words[2] == third);
    }
    bool has_mark(char mark) const { return marks.find(mark) != std::string_view::npos; }
};

/// Of the number, with its sign, that begins at `position`.
Label label_before(std::string_view line, std::size_t position);

/// A number as it stands in a line.
struct NumberToken {
    std::size_t begin = 0;  ///< with its sign and "0x"
    std::size_t end = 0;
    std::uint64_t value = 0;
    std::size_t digits = 0;
    bool is_hexadecimal = false;
    bool is_negative = false;
};

/// The number whose first digit stands at `position`; no value for a part of a version, a date, a name or a float, and
/// for one that is too long.
std::optional<NumberToken> number_at(std::string_view line, std::size_t position);

/// Words that explain a code and follow it, as in "0x80070539, The security ID structure is invalid." or
/// "400: Bad Request]"; empty where none do. Valid UTF-8, of bounded length.
std::string words_behind(std::string_view line, std::size_t position);

/// From the beginning of `text` to one of `ends`, a control character or the bound; valid UTF-8, without blanks and a
/// full stop at its end.
std::string bounded_text(std::string_view text, std::string_view ends);

/// Whether what stands at `position` is set off on both sides as an error text is: behind ": ", "] ", a bracket or a
/// quote, and before a mark or the line's end.
bool is_set_off(std::string_view line, std::size_t position, std::size_t size);

}  // namespace remediations
