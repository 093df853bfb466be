#include "remediations/knowledge/configuration/file_system_table.hpp"

#include <algorithm>
#include <boost/algorithm/string/classification.hpp>
#include <boost/algorithm/string/split.hpp>
#include <boost/algorithm/string/trim.hpp>

namespace remediations {

namespace {

/// Replaces the escapes: \040 is a blank, \011 a tab, \012 a line feed, \134 a backslash.
std::string unescape(std::string_view field) {
    std::string plain;
    for (std::size_t at = 0; at < field.size(); ++at) {
        const auto digits = field.substr(at).starts_with('\\') ? field.substr(at + 1, 3) : std::string_view();
        const bool is_escape =
            digits.size() == 3 && std::ranges::all_of(digits, [](char c) { return c >= '0' && c <= '7'; });
        if (!is_escape) {
            plain += field[at];
            continue;
        }
        plain += static_cast<char>((digits[0] - '0') * 64 + (digits[1] - '0') * 8 + (digits[2] - '0'));
        at += digits.size();
    }
    return plain;
}

}  // namespace

std::vector<TableEntry> parse_file_system_table(std::string_view text) {
    std::vector<TableEntry> entries;
    std::vector<std::string> lines;
    boost::algorithm::split(lines, text, boost::is_any_of("\n"));
    for (auto& line : lines) {
        boost::algorithm::trim(line);
        if (line.empty() || line.starts_with('#')) continue;
        std::vector<std::string> fields;
        boost::algorithm::split(fields, line, boost::is_any_of(" \t"), boost::token_compress_on);
        if (fields.size() < 3) continue;
        TableEntry entry{unescape(fields[0]), unescape(fields[1]), fields[2], {}};
        if (fields.size() > 3) boost::algorithm::split(entry.options, fields[3], boost::is_any_of(","));
        entries.push_back(std::move(entry));
    }
    return entries;
}

}  // namespace remediations
