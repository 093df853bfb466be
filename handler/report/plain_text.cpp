#include "handler/report/plain_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/algorithm/string/case_conv.hpp>
#include <cstdint>
#include <numeric>

#include "remediations/machine/utf8.hpp"

namespace handler {
namespace {

struct Character {
    std::size_t bytes = 1;
    char32_t code = 0;
};

/// Returns the first character; `text` is valid UTF-8 and not empty.
Character first_character(std::string_view text) {
    const auto byte = [&](std::size_t index) { return static_cast<unsigned char>(text[index]); };
    if (byte(0) < 0x80) return {1, byte(0)};
    const std::size_t bytes = byte(0) >= 0xF0 ? 4 : byte(0) >= 0xE0 ? 3 : 2;
    char32_t code = byte(0) & (0xFFU >> (bytes + 1));
    for (std::size_t index = 1; index < bytes; ++index) code = (code << 6U) | (byte(index) & 0x3FU);
    return {bytes, code};
}

bool drives_a_terminal(char32_t code) {
    return code < 0x20 || (code >= 0x7F && code < 0xA0) ||          // C0, DEL, C1
           code == 0x061C || (code >= 0x200E && code <= 0x200F) ||  // bidirectional marks
           (code >= 0x2028 && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069) || code == 0xFEFF;
}

std::string spelled_out(char32_t code) {
    if (code == '\n') return "\\n";
    if (code == '\r') return "\\r";
    if (code == '\t') return "\\t";
    const auto number = static_cast<std::uint32_t>(code);
    return number < 0x100 ? fmt::format("\\x{:02x}", number) : fmt::format("\\u{:04x}", number);
}

/// Returns the number of edits (insert, remove, replace, swap two neighbours) that turn one word into the other.
std::size_t distance(const std::string& from, const std::string& to) {
    std::vector<std::size_t> before_last(to.size() + 1);
    std::vector<std::size_t> last(to.size() + 1);
    std::vector<std::size_t> current(to.size() + 1);
    std::iota(last.begin(), last.end(), std::size_t{0});
    for (std::size_t row = 1; row <= from.size(); ++row) {
        current[0] = row;
        for (std::size_t column = 1; column <= to.size(); ++column) {
            const bool same = from[row - 1] == to[column - 1];
            current[column] = std::min({last[column] + 1, current[column - 1] + 1, last[column - 1] + (same ? 0 : 1)});
            if (row > 1 && column > 1 && from[row - 1] == to[column - 2] && from[row - 2] == to[column - 1]) {
                current[column] = std::min(current[column], before_last[column - 2] + 1);
            }
        }
        before_last.swap(last);
        last.swap(current);
    }
    return last.back();
}

}  // namespace

std::string visible(std::string_view bytes) {
    const auto valid = machine::valid_utf8(bytes);
    std::string result;
    result.reserve(valid.size());
    for (std::string_view rest = valid; !rest.empty();) {
        const auto character = first_character(rest);
        if (drives_a_terminal(character.code)) {
            result += spelled_out(character.code);
        } else {
            result += rest.substr(0, character.bytes);
        }
        rest.remove_prefix(character.bytes);
    }
    return result;
}

std::string in_ascii(std::string_view text) {
    std::string result;
    for (; !text.empty(); text.remove_prefix(first_character(text).bytes)) {
        const auto character = first_character(text);
        if (character.code < 0x80) {
            result += text.front();
        } else {
            result += spelled_out(character.code);
        }
    }
    return result;
}

std::string_view first_characters(std::string_view text, std::size_t characters) {
    std::size_t end = 0;
    while (characters > 0 && end < text.size()) {
        end += first_character(text.substr(end)).bytes;
        --characters;
    }
    return text.substr(0, end);
}

std::string shortened(std::string_view text, std::size_t characters) {
    const auto beginning = first_characters(text, characters);
    if (beginning.size() == text.size()) return std::string(text);
    return fmt::format("{}... ({} bytes more)", beginning, text.size() - beginning.size());
}

std::size_t length(std::string_view text) {
    return static_cast<std::size_t>(std::count_if(
        text.begin(), text.end(), [](char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) != 0x80U; }));
}

std::vector<std::string> wrap(std::string_view text, std::size_t width) {
    if (length(text) <= width && text.find('\n') == std::string_view::npos) return {std::string(text)};
    std::vector<std::string> lines(1);
    while (!text.empty()) {
        const std::size_t end = text.find_first_of(" \n");
        const std::string_view word = text.substr(0, end);
        std::string& line = lines.back();
        if (!word.empty()) {
            if (line.empty()) {
                line = word;
            } else if (length(line) + 1 + length(word) <= width) {
                line.append(" ").append(word);
            } else {
                lines.emplace_back(word);
            }
        }
        if (end == std::string_view::npos) break;
        if (text[end] == '\n') lines.emplace_back();
        text.remove_prefix(end + 1);
    }
    return lines;
}

std::vector<std::string> near_misses(std::string_view word, const std::vector<std::string>& known) {
    constexpr std::size_t longest_word = 100;  // nobody mistypes more, and the comparison stays cheap
    if (word.size() > longest_word) return {};
    const std::size_t most_edits = word.size() < 4 ? 1 : std::max<std::size_t>(2, word.size() / 4);
    const std::string wanted = boost::to_lower_copy(std::string(word));
    std::vector<std::pair<std::size_t, std::string>> candidates;
    for (const std::string& name : known) {
        const std::string candidate = boost::to_lower_copy(name);
        const bool contained = wanted.size() >= 4 && candidate.find(wanted) != std::string::npos;
        const auto longest = std::max(wanted.size(), candidate.size());
        const auto shortest = std::min(wanted.size(), candidate.size());
        if (longest - shortest > most_edits && !contained) continue;
        const std::size_t edits = distance(wanted, candidate);
        if (edits <= most_edits && edits < wanted.size()) {
            candidates.emplace_back(edits, name);
        } else if (contained) {
            candidates.emplace_back(edits + wanted.size(), name);
        }
    }
    std::sort(candidates.begin(), candidates.end());
    if (candidates.size() > 3) candidates.resize(3);
    std::vector<std::string> names;
    names.reserve(candidates.size());
    for (auto& [edits, name] : candidates) names.push_back(std::move(name));
    return names;
}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& known) {
    const std::vector<std::string> names = near_misses(word, known);
    return names.empty() ? std::string() : fmt::format("; did you mean {}?", fmt::join(names, " or "));
}

}  // namespace handler
