#include "remediations/knowledge/reasons/line_words.hpp"

#include <algorithm>

#include "remediations/machine/utf8.hpp"

namespace remediations {

namespace {

constexpr std::size_t longest_word = 40;
constexpr std::size_t most_marks = 8;
constexpr std::size_t longest_text = 200;

constexpr std::string_view marks_before_number = " \t:='\"\\([{<>),#%";
constexpr std::string_view marks_between_words = " _-:";

bool is_one_of(char c, std::string_view set) {
    return set.find(c) != std::string_view::npos;
}

/// Removes the last word and returns it in lower case.
std::string take_last_word(std::string_view& text, std::string_view marks, std::size_t most) {
    std::size_t passed = 0;
    while (!text.empty() && passed < most && is_one_of(text.back(), marks)) {
        text.remove_suffix(1);
        ++passed;
    }
    std::string word;
    while (!text.empty() && word.size() < longest_word && (is_of_name(text.back()) || text.back() == '.') &&
           text.back() != '_') {
        word += to_small(text.back());
        text.remove_suffix(1);
    }
    std::ranges::reverse(word);
    return word;
}

bool is_hex_digit(char c) {
    return is_digit(c) || (to_small(c) >= 'a' && to_small(c) <= 'f');
}

unsigned value_of(char digit) {
    return is_digit(digit) ? static_cast<unsigned>(digit - '0') : static_cast<unsigned>(to_small(digit) - 'a') + 10;
}

}  // namespace

Label label_before(std::string_view line, std::size_t position) {
    Label label;
    auto rest = line.substr(0, position);
    const auto kept = rest.find_last_not_of(marks_before_number);
    const auto begin = kept == std::string_view::npos ? 0 : kept + 1;
    if (position - begin > most_marks) return label;
    label.marks = line.substr(begin, position - begin);
    label.words[0] = take_last_word(rest, marks_before_number, most_marks);
    for (auto* word : {&label.words[1], &label.words[2]}) *word = take_last_word(rest, marks_between_words, 2);
    return label;
}

std::optional<NumberToken> number_at(std::string_view line, std::size_t position) {
    constexpr std::size_t most_digits = 18;
    NumberToken token;
    token.begin = position;
    auto at = position;
    if (line[at] == '0' && at + 2 < line.size() && to_small(line[at + 1]) == 'x' && is_hex_digit(line[at + 2])) {
        token.is_hexadecimal = true;
        at += 2;
    }
    const unsigned base = token.is_hexadecimal ? 16 : 10;
    for (; at < line.size() && (token.is_hexadecimal ? is_hex_digit(line[at]) : is_digit(line[at])); ++at) {
        if (++token.digits <= most_digits) token.value = token.value * base + value_of(line[at]);
    }
    token.end = at;
    if (token.digits > most_digits) return std::nullopt;
    // 0x80042306L
    if (token.is_hexadecimal && at < line.size() && to_small(line[at]) == 'l') ++at;
    if (at < line.size() && is_of_name(line[at])) return std::nullopt;
    const bool is_fraction = at + 1 < line.size() && line[at] == '.' && is_digit(line[at + 1]);
    if (is_fraction) return std::nullopt;
    const auto before = [&](std::size_t back) { return token.begin >= back ? line[token.begin - back] : ' '; };
    if (!token.is_hexadecimal && before(1) == '-' && !is_of_name(before(2))) {
        token.is_negative = true;
        --token.begin;
    }
    if (is_of_name(before(1)) || (before(1) == '.' && is_digit(before(2)))) return std::nullopt;
    return token;
}

std::string bounded_text(std::string_view text, std::string_view ends) {
    const auto end = std::ranges::find_if(text.substr(0, longest_text), [&](char c) {
        return static_cast<unsigned char>(c) < ' ' || c == '\x7F' || is_one_of(c, ends);
    });
    auto part = text.substr(0, static_cast<std::size_t>(end - text.begin()));
    while (!part.empty() && is_one_of(part.back(), " .,:;")) part.remove_suffix(1);
    while (!part.empty() && part.front() == ' ') part.remove_prefix(1);
    const auto valid = machine::valid_utf8(part);
    return std::string(machine::utf8_prefix(valid, longest_text));
}

std::string words_behind(std::string_view line, std::size_t position) {
    auto rest = line.substr(std::min(position, line.size()));
    while (!rest.empty() && is_one_of(rest.front(), ")]'\"") && rest.size() > 1) rest.remove_prefix(1);
    for (const std::string_view mark : {", ", ": ", " (", " - ", "(", ":"}) {
        if (!rest.starts_with(mark)) continue;
        const auto words = rest.substr(mark.size());
        const bool are_words =
            !words.empty() && (is_letter(words.front()) || static_cast<unsigned char>(words.front()) >= 0x80);
        return are_words ? bounded_text(words, mark.ends_with('(') ? ")]|\"{}(" : "]|\"{}(") : std::string();
    }
    return {};
}

bool is_set_off(std::string_view line, std::size_t position, std::size_t size) {
    const auto before = line.substr(0, position);
    const bool begins = before.empty() || before.ends_with(": ") || before.ends_with("] ") || before.ends_with("- ") ||
                        is_one_of(before.back(), "([\"'\n");
    const auto end = position + size;
    const bool ends = end >= line.size() || is_one_of(line[end], ".,:;)]\"'\r\n\\") ||
                      line.substr(end).starts_with(" -") || line.substr(end).starts_with(" (");
    return begins && ends;
}

}  // namespace remediations
