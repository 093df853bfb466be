#include "remediations/formats/python_configuration.hpp"

#include <algorithm>
#include <boost/algorithm/string/case_conv.hpp>
#include <boost/algorithm/string/join.hpp>
#include <boost/algorithm/string/predicate.hpp>
#include <utility>

#include "remediations/machine/utf8.hpp"

namespace remediations {

namespace {

constexpr std::string_view utf_8_mark = "\xEF\xBB\xBF";
constexpr std::string_view default_section = "DEFAULT";
/// configparser.MAX_INTERPOLATION_DEPTH
constexpr int deepest_interpolation = 10;

constexpr std::string_view ascii_blanks = " \t\n\v\f\r\x1c\x1d\x1e\x1f";
constexpr std::string_view unicode_blanks[] = {
    "\xC2\x85",     "\xC2\xA0",     "\xE1\x9A\x80", "\xE2\x80\x80", "\xE2\x80\x81", "\xE2\x80\x82", "\xE2\x80\x83",
    "\xE2\x80\x84", "\xE2\x80\x85", "\xE2\x80\x86", "\xE2\x80\x87", "\xE2\x80\x88", "\xE2\x80\x89", "\xE2\x80\x8A",
    "\xE2\x80\xA8", "\xE2\x80\xA9", "\xE2\x80\xAF", "\xE2\x81\x9F", "\xE3\x80\x80"};

std::size_t leading_blank(std::string_view text) {
    if (text.empty()) return 0;
    if (ascii_blanks.find(text.front()) != std::string_view::npos) return 1;
    const auto* blank = std::ranges::find_if(unicode_blanks, [&](auto one) { return text.starts_with(one); });
    return blank == std::end(unicode_blanks) ? 0 : blank->size();
}

std::size_t trailing_blank(std::string_view text) {
    if (text.empty()) return 0;
    if (ascii_blanks.find(text.back()) != std::string_view::npos) return 1;
    const auto* blank = std::ranges::find_if(unicode_blanks, [&](auto one) { return text.ends_with(one); });
    return blank == std::end(unicode_blanks) ? 0 : blank->size();
}

std::string_view strip_right(std::string_view text) {
    while (const auto blank = trailing_blank(text)) text.remove_suffix(blank);
    return text;
}

/// In characters, not bytes, as Python counts.
std::size_t indentation_of(std::string_view line) {
    std::size_t characters = 0;
    while (const auto blank = leading_blank(line)) {
        line.remove_prefix(blank);
        ++characters;
    }
    return characters;
}

std::string with_line_feeds(std::string_view text) {
    std::string joined;
    joined.reserve(text.size());
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] != '\r') {
            joined += text[at];
        } else if (at + 1 == text.size() || text[at + 1] != '\n') {
            joined += '\n';
        }
    }
    return joined;
}

bool is_ascii(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

/// Decodes UTF-16 that holds only ASCII. Its NUL bytes show the byte order.
std::optional<std::string> ascii_of_utf_16(std::string_view bytes) {
    const bool marked = bytes.starts_with("\xFF\xFE") || bytes.starts_with("\xFE\xFF");
    const bool little = marked ? bytes.starts_with("\xFF\xFE") : bytes.size() > 1 && bytes[1] == '\0';
    if (marked) bytes.remove_prefix(2);
    if (bytes.size() % 2 != 0) return std::nullopt;
    std::string ascii;
    for (std::size_t at = 0; at < bytes.size(); at += 2) {
        const char low = bytes[at + (little ? 0 : 1)];
        const char high = bytes[at + (little ? 1 : 0)];
        if (high != '\0' || low == '\0' || static_cast<unsigned char>(low) >= 0x80) return std::nullopt;
        ascii += low;
    }
    return ascii;
}

bool looks_like_utf_16(std::string_view bytes) {
    if (bytes.starts_with("\xFF\xFE") || bytes.starts_with("\xFE\xFF")) return true;
    const auto nuls = static_cast<std::size_t>(std::ranges::count(bytes, '\0'));
    return bytes.size() >= 4 && nuls * 2 == bytes.size() && ascii_of_utf_16(bytes);
}

std::size_t line_at(std::string_view text, std::size_t offset) {
    return static_cast<std::size_t>(std::ranges::count(text.substr(0, offset), '\n')) + 1;
}

/// Offset of the first byte that is not UTF-8.
std::size_t first_not_utf_8(std::string_view bytes) {
    const auto valid = machine::valid_utf8(bytes);
    return static_cast<std::size_t>(std::ranges::mismatch(bytes, valid).in1 - bytes.begin());
}

}  // namespace

std::string_view to_string(TextEncoding::Fault fault) {
    switch (fault) {
        case TextEncoding::Fault::none:
            return "";
        case TextEncoding::Fault::byte_order_mark:
            return "a byte order mark at its start";
        case TextEncoding::Fault::utf_16:
            return "UTF-16 text";
        case TextEncoding::Fault::not_utf_8:
            return "bytes that are not UTF-8";
        case TextEncoding::Fault::nul_bytes:
            return "NUL bytes";
    }
    return "";
}

TextEncoding examine_encoding(std::string_view bytes) {
    using Fault = TextEncoding::Fault;
    if (looks_like_utf_16(bytes)) {
        auto ascii = ascii_of_utf_16(bytes);
        return {Fault::utf_16, 0, false, ascii ? std::optional(with_line_feeds(*ascii)) : std::nullopt};
    }
    const bool marked = bytes.starts_with(utf_8_mark);
    const auto text = marked ? bytes.substr(utf_8_mark.size()) : bytes;
    if (machine::valid_utf8(text) != text) {
        return {Fault::not_utf_8, line_at(text, first_not_utf_8(text)), true, std::nullopt};
    }
    auto plain = with_line_feeds(text);
    if (const auto nul = text.find('\0'); nul != std::string_view::npos) {
        std::erase(plain, '\0');  // what a crash left of a block that was never written
        return {Fault::nul_bytes, line_at(text, nul), !is_ascii(text), std::move(plain)};
    }
    return {marked ? Fault::byte_order_mark : Fault::none, marked ? std::size_t{1} : 0, !is_ascii(text),
            std::move(plain)};
}

std::string_view python_strip(std::string_view text) {
    while (const auto blank = leading_blank(text)) text.remove_prefix(blank);
    return strip_right(text);
}

std::vector<std::string_view> python_lines(std::string_view text) {
    std::vector<std::string_view> lines;
    while (!text.empty()) {
        const auto end = std::min(text.find_first_of("\r\n"), text.size());
        lines.push_back(text.substr(0, end));
        text.remove_prefix(end);
        text.remove_prefix(text.starts_with("\r\n") ? 2 : std::min<std::size_t>(1, text.size()));
    }
    return lines;
}

PythonConfiguration::PythonConfiguration(std::string_view text) {
    std::optional<std::string> section;
    Option* option = nullptr;
    std::vector<std::string> values;
    std::size_t indentation = 0;
    const auto finish = [&] {
        if (option != nullptr) option->value = strip_right(boost::algorithm::join(values, "\n"));
        option = nullptr;
        values.clear();
    };
    const auto lines = python_lines(text);
    for (std::size_t number = 1; number <= lines.size(); ++number) {
        const auto line = lines[number - 1];
        const auto stripped = python_strip(line);
        const bool is_comment = stripped.starts_with('#') || stripped.starts_with(';');
        if (stripped.empty() || is_comment) {
            if (!is_comment && option != nullptr) values.emplace_back();
            continue;
        }
        const auto indented = indentation_of(line);
        if (option != nullptr && indented > indentation) {
            values.emplace_back(stripped);
            option->last_line = number;
            continue;
        }
        indentation = indented;
        const auto closing = stripped.rfind(']');
        const bool is_header = stripped.starts_with('[') && closing != std::string_view::npos && closing > 1;
        if (is_header) {
            finish();
            section = std::string(stripped.substr(1, closing - 1));
            // [DEFAULT] may come again and again.
            if (!sections_.emplace(*section, number).second && *section != default_section) {
                problems_.push_back({Fault::duplicate_section, number, std::string(stripped)});
                return;
            }
            continue;
        }
        if (!section) {
            problems_.push_back({Fault::no_section_header, number, std::string(stripped)});
            return;
        }
        const auto delimiter = stripped.find_first_of("=:");
        if (delimiter == std::string_view::npos || delimiter == 0) {
            // Python continues, and the option above stays open.
            problems_.push_back({Fault::not_an_option, number, std::string(stripped)});
            continue;
        }
        finish();
        auto key = boost::algorithm::to_lower_copy(std::string(strip_right(stripped.substr(0, delimiter))));
        if (find(*section, key) != nullptr) {
            problems_.push_back({Fault::duplicate_option, number, std::string(stripped)});
            return;
        }
        options_.push_back({*section, std::move(key), {}, number, number});
        option = &options_.back();
        values.emplace_back(python_strip(stripped.substr(delimiter + 1)));
    }
    finish();
}

const PythonConfiguration::Option* PythonConfiguration::find(std::string_view section, std::string_view key) const {
    const auto option =
        std::ranges::find_if(options_, [&](const auto& each) { return each.section == section && each.key == key; });
    return option == options_.end() ? nullptr : &*option;
}

std::optional<std::string> PythonConfiguration::get(std::string_view section, std::string_view key) const {
    if (!problems_.empty() || section == default_section || !sections_.contains(section)) return std::nullopt;
    const auto lower = boost::algorithm::to_lower_copy(std::string(key));
    const auto* option = find(section, lower);
    if (option == nullptr) option = find(default_section, lower);
    return option == nullptr ? std::nullopt : interpolate(option->value, section, 1);
}

/// BasicInterpolation: %% is a percent sign, %(name)s the value of another option.
std::optional<std::string> PythonConfiguration::interpolate(std::string_view value, std::string_view section,
                                                            int depth) const {
    if (depth > deepest_interpolation) return std::nullopt;
    std::string result;
    while (!value.empty()) {
        const auto percent = value.find('%');
        result += value.substr(0, percent);
        if (percent == std::string_view::npos) break;
        value.remove_prefix(percent + 1);
        if (value.starts_with('%')) {
            result += '%';
            value.remove_prefix(1);
            continue;
        }
        const auto end = value.find(')');
        if (!value.starts_with('(') || end == std::string_view::npos || end == 1 || value.substr(end + 1, 1) != "s") {
            return std::nullopt;
        }
        const auto name = boost::algorithm::to_lower_copy(std::string(value.substr(1, end - 1)));
        const auto* other = find(section, name);
        if (other == nullptr) other = find(default_section, name);
        const auto text = other ? interpolate(other->value, section, depth + 1) : std::nullopt;
        if (!text) return std::nullopt;
        result += *text;
        value.remove_prefix(end + 2);
    }
    return result;
}

}  // namespace remediations
