#include "remediations/knowledge/logs/event_text.hpp"

#include <algorithm>
#include <array>
#include <boost/algorithm/string/case_conv.hpp>
#include <boost/algorithm/string/find.hpp>
#include <boost/algorithm/string/predicate.hpp>
#include <boost/algorithm/string/trim.hpp>

#include "remediations/machine/utf8.hpp"

namespace remediations {

using machine::Event;

namespace {

constexpr std::size_t longest_value = 65536;  // an event has 64 KiB at most
constexpr std::size_t length_of_guid = 38;    // with braces

/// The ids of Windows' own providers in VSS's events: shadow copies, file shares, cluster volumes.
constexpr std::array<std::string_view, 5> provider_ids = {
    "{b5946137-7b9f-4925-af80-51abd60b20d5}", "{89300202-3cec-4981-9171-19f59559e0f2}",
    "{400a2ff4-5eb1-44b0-8a05-1fcac0bcf9ff}", "{26d02976-b909-43ad-af7e-62a4f625e372}",
    "{74600e39-7dc5-4567-a03b-f091d6c7b092}"};

bool is_decimal(char c) {
    return c >= '0' && c <= '9';
}
bool is_capital_letter(char c) {
    return c >= 'A' && c <= 'Z';
}
bool is_small_letter(char c) {
    return c >= 'a' && c <= 'z';
}
bool is_hexadecimal(char c) {
    return is_decimal(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

bool begins_with_guid(std::string_view text) {
    if (text.size() < length_of_guid || text.front() != '{' || text[length_of_guid - 1] != '}') return false;
    for (std::size_t at = 1; at + 1 < length_of_guid; ++at) {
        const bool is_dash = at == 9 || at == 14 || at == 19 || at == 24;
        if (is_dash ? text[at] != '-' : !is_hexadecimal(text[at])) return false;
    }
    return true;
}

std::string first_guid(std::string_view text) {
    for (auto open = text.find('{'); open != text.npos; open = text.find('{', open + 1)) {
        const auto rest = text.substr(open);
        if (begins_with_guid(rest)) return boost::to_lower_copy(std::string(rest.substr(0, length_of_guid)));
    }
    return {};
}

struct TextLine {
    std::string text;
    bool is_indented = false;
};

std::vector<TextLine> text_lines(std::string_view value) {
    std::vector<TextLine> lines;
    value = value.substr(0, longest_value);
    while (!value.empty()) {
        const auto end = std::min(value.find('\n'), value.size());
        auto text = std::string(value.substr(0, end));
        value.remove_prefix(std::min(end + 1, value.size()));
        const bool is_indented = text.starts_with(' ') || text.starts_with('\t');
        boost::trim(text);
        lines.push_back({std::move(text), is_indented});
    }
    return lines;
}

std::string behind_colon(const std::string& line) {
    const auto colon = line.find(':');
    return colon == line.npos ? std::string() : boost::trim_copy(line.substr(colon + 1));
}

/// Returns true for a word that can follow "database" in a sentence and is not a name.
bool is_word_of_sentence(std::string_view word) {
    constexpr std::string_view words[] = {"is",   "was",  "are", "cannot", "could", "will", "has",    "must",
                                          "in",   "on",   "to",  "for",    "from",  "with", "and",    "or",
                                          "that", "file", "log", "backup", "name",  "id",   "because"};
    return std::ranges::any_of(words, [&](auto each) { return boost::iequals(each, word); });
}

/// Returns the name after the word: in quotes or brackets or, with `bare`, without them.
std::string name_behind(std::string_view text, std::string_view word, bool bare) {
    constexpr std::size_t longest_name = 128;  // sysname
    for (auto rest = text;;) {
        const auto found = boost::algorithm::ifind_first(rest, word);
        if (found.empty()) return {};
        rest = std::string_view(found.end(), static_cast<std::size_t>(rest.end() - found.end()));
        auto name = rest;
        if (!name.starts_with(' ')) continue;
        name.remove_prefix(std::min(name.find_first_not_of(' '), name.size()));
        if (name.empty()) return {};
        const auto quote = name.front();
        const bool is_quoted = quote == '\'' || quote == '"' || quote == '[';
        if (is_quoted) {
            const auto end = name.find(quote == '[' ? ']' : quote, 1);
            if (end == name.npos || end == 1 || end > longest_name) continue;
            return std::string(name.substr(1, end - 1));
        }
        if (!bare) continue;
        const auto end = std::min(name.find_first_of(" .,;\r\n\t"), name.size());
        const auto candidate = name.substr(0, end);
        if (candidate.empty() || candidate.size() > longest_name || is_word_of_sentence(candidate)) continue;
        return std::string(candidate);
    }
}

}  // namespace

bool is_context(std::string_view value) {
    return value.starts_with("\r\n") && value.find("\n   ") != value.npos;
}

EventContext context_of(const Event& event) {
    EventContext context;
    const auto value = std::ranges::find_if(event.data, [](const auto& each) { return is_context(each); });
    if (value == event.data.end()) return context;
    int section = 0;
    const auto lines = text_lines(*value);
    for (std::size_t at = 0; at < lines.size(); ++at) {
        const auto& line = lines[at];
        if (line.text.empty()) continue;
        if (!line.is_indented) {
            ++section;
            continue;
        }
        const auto guid = first_guid(line.text);
        if (guid.empty()) {
            if (section == 1 && context.operation.empty()) context.operation = machine::valid_utf8(line.text);
            continue;
        }
        if (std::ranges::find(provider_ids, guid) != provider_ids.end()) {
            context.classes.push_back(guid);
            continue;
        }
        // The class of a writer, and behind it its name; other ids are of this one snapshot.
        if (!context.writer.empty() || at + 1 >= lines.size() || !first_guid(lines[at + 1].text).empty()) continue;
        auto name = behind_colon(lines[at + 1].text);
        if (name.empty() || is_decimal(name.front())) continue;
        context.writer = machine::valid_utf8(name);
        context.classes.push_back(guid);
    }
    return context;
}

std::string database_in(const Event& event) {
    for (const bool bare : {false, true}) {
        for (const auto& value : event.data) {
            for (const std::string_view word : {"BACKUP LOG", "database"}) {
                auto name = name_behind(std::string_view(value).substr(0, longest_value), word, bare);
                if (!name.empty()) return machine::valid_utf8(name);
            }
        }
    }
    return {};
}

std::string volume_in(const Event& event) {
    for (const auto& value : event.data) {
        const bool is_drive = (value.size() == 2 || (value.size() == 3 && value[2] == '\\')) && value[1] == ':' &&
                              (is_capital_letter(value[0]) || is_small_letter(value[0]));
        if (is_drive) return value.substr(0, 2);
    }
    for (const auto& value : event.data) {
        constexpr std::size_t longest_path = 260;
        const bool is_device = value.starts_with(R"(\Device\)") || value.starts_with(R"(\\?\)");
        if (is_device && value.size() <= longest_path) return machine::valid_utf8(value);
    }
    return {};
}

std::string routine_in(std::string_view value) {
    constexpr std::size_t longest_name = 80;
    constexpr std::size_t shortest_name = 4;
    for (const auto& [line, is_indented] : text_lines(value)) {
        const auto is_of_name = [](char c) {
            return is_capital_letter(c) || is_small_letter(c) || is_decimal(c) || c == '_' || c == ':';
        };
        auto end = static_cast<std::size_t>(std::ranges::find_if_not(line, is_of_name) - line.begin());
        while (end > 0 && line[end - 1] == ':') --end;
        const auto name = std::string_view(line).substr(0, end);
        const bool is_long_enough = name.size() >= shortest_name && name.size() <= longest_name;
        const bool is_mixed =
            std::ranges::count_if(name, is_capital_letter) > 1 && std::ranges::any_of(name, is_small_letter);
        if (is_long_enough && (is_mixed || name.find("::") != name.npos)) return std::string(name);
    }
    return {};
}

std::string first_line(std::string_view value) {
    for (const auto& line : text_lines(value)) {
        if (!line.text.empty()) return machine::valid_utf8(line.text);
    }
    return {};
}

std::string without_numbers(std::string_view value) {
    constexpr std::size_t longest_shape = 200;
    std::string shape;
    for (std::size_t at = 0; at < value.size() && shape.size() < longest_shape;) {
        const auto rest = value.substr(at);
        if (begins_with_guid(rest)) {
            shape += '#';
            at += length_of_guid;
        } else if (rest.starts_with("0x") || rest.starts_with("0X") || is_decimal(rest.front())) {
            const bool is_hex = !is_decimal(rest.front()) || rest.starts_with("0x") || rest.starts_with("0X");
            at += is_hex ? 2 : 1;
            while (at < value.size() && (is_hex ? is_hexadecimal(value[at]) : is_decimal(value[at]))) ++at;
            shape += '#';
        } else if (rest.front() == '\'' || rest.front() == '"') {
            const auto end = rest.find(rest.front(), 1);
            shape += '?';
            at += end == rest.npos ? 1 : end + 1;
        } else {
            shape += rest.front();
            ++at;
        }
    }
    return shape;
}

}  // namespace remediations
