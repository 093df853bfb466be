#include "remediations/machine/linux/os_release.hpp"

namespace machine::local {

namespace {

/// Decodes a shell word without expansions: removes quotes; a backslash keeps the next character.
std::string unquote(std::string_view word) {
    std::string plain;
    char quote = 0;
    for (std::size_t i = 0; i < word.size(); ++i) {
        const char c = word[i];
        if (quote == 0 && (c == ' ' || c == '\t' || c == '\r')) {
            break;
        }
        if (c == '\\' && quote != '\'' && i + 1 < word.size()) {
            plain += word[++i];
        } else if (c == quote) {
            quote = 0;
        } else if (quote == 0 && (c == '"' || c == '\'')) {
            quote = c;
        } else {
            plain += c;
        }
    }
    return plain;
}

}  // namespace

std::map<std::string, std::string> parse_os_release(std::string_view text) {
    std::map<std::string, std::string> variables;
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        std::string_view line = text.substr(0, end);
        text.remove_prefix(end == text.npos ? text.size() : end + 1);
        const std::size_t start = line.find_first_not_of(" \t");
        const std::size_t equals = line.find('=');
        if (start == line.npos || line[start] == '#' || equals == line.npos || equals <= start) {
            continue;
        }
        variables[std::string(line.substr(start, equals - start))] = unquote(line.substr(equals + 1));
    }
    return variables;
}

}  // namespace machine::local
