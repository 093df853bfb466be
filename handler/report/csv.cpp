#include "handler/report/csv.hpp"

#include <algorithm>

#include "handler/report/plain_text.hpp"

namespace handler {

namespace {

/// https://owasp.org/www-community/attacks/CSV_Injection; the last four are the full-width forms.
constexpr std::string_view formula_starts[] = {
    "=", "+", "-", "@", "\xEF\xBC\x9D", "\xEF\xBC\x8B", "\xEF\xBC\x8D", "\xEF\xBC\xA0"};

bool looks_like_formula(std::string_view text) {
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
    return std::ranges::any_of(formula_starts, [&](auto start) { return text.starts_with(start); });
}

}  // namespace

std::string csv_line(const std::vector<std::string>& fields) {
    std::string line;
    for (const auto& field : fields) {
        if (!line.empty()) line += ',';
        const auto text = visible(field);
        line += '"';
        if (looks_like_formula(text)) line += '\'';
        for (const char c : text) {
            if (c == '"') line += '"';
            line += c;
        }
        line += '"';
    }
    return line + "\r\n";
}

}  // namespace handler
