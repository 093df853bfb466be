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

/// The text before a number. In "Non-zero exit code: [127" the words are "code", "exit" and "zero", nearest first, in
/// lower case, and the marks between the nearest word and the number are ": [". Its length is bounded, so that it costs
/// the same for every number of a long line.
struct Label {
    std::array<std::string, 3> words;
    std::string_view marks;

    bool is(std::string_view nearest, std::string_view second = {}, std::string_view third = {}) const {
        return words[0] == nearest && (second.empty() || words[1] == second) && (third.empty() || words[2] == third);
    }
    bool has_mark(char mark) const { return marks.find(mark) != std::string_view::npos; }
};

/// Returns the label of the number, with its sign, that begins at `position`.
Label label_before(std::string_view line, std::size_t position);

/// A number in a line.
struct NumberToken {
    std::size_t begin = 0;  ///< offset, including sign and "0x"
    std::size_t end = 0;
    std::uint64_t value = 0;
    std::size_t digits = 0;
    bool is_hexadecimal = false;
    bool is_negative = false;
};

/// Returns the number whose first digit is at `position`; nullopt for a part of a version, a date, a name or a float,
/// and for a number that is too long.
std::optional<NumberToken> number_at(std::string_view line, std::size_t position);

/// Returns the words after a code that explain it, as in "0x80070539, The security ID structure is invalid." or "400:
/// Bad Request]"; empty where there are none. Valid UTF-8 of bounded length.
std::string words_behind(std::string_view line, std::size_t position);

/// Returns `text` up to one of `ends`, a control character or the length limit: valid UTF-8, without blanks and a full
/// stop at its end.
std::string bounded_text(std::string_view text, std::string_view ends);

/// Returns true if the text at `position` is separated on both sides like an error text: after ": ", "] ", "- ", a
/// bracket or a quote, and before a punctuation mark or the end of the line.
bool is_set_off(std::string_view line, std::size_t position, std::size_t size);

}  // namespace remediations
