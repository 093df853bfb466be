#include "handler/report/page.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "handler/report/plain_text.hpp"

namespace handler {

namespace {

constexpr std::size_t narrowest_column = 24;

std::string_view escape_sequence(Paint paint) {
    switch (paint) {
        case Paint::none:
            return "";
        case Paint::strong:
            return "\x1b[1m";
        case Paint::good:
            return "\x1b[32m";
        case Paint::bad:
            return "\x1b[1;31m";
        case Paint::attention:
            return "\x1b[33m";
        case Paint::faint:
            return "\x1b[2m";
    }
    return "";
}

}  // namespace

std::string Page::painted(std::string_view text, Paint paint) const {
    std::string result(text);
    if (!style_.color || paint == Paint::none || text.empty()) return result;
    return std::string(escape_sequence(paint)) + result + "\x1b[0m";
}

void Page::blank() {
    text_ += '\n';
}

void Page::heading(std::string_view text, Paint paint) {
    for (const auto& line : wrap(text, style_.width)) text_ += painted(line, paint) + '\n';
}

void Page::paragraph(std::size_t indent, std::string_view text) {
    for (const auto& line : wrap(text, std::max(style_.width, indent + narrowest_column) - indent)) {
        text_ += std::string(line.empty() ? 0 : indent, ' ') + line + '\n';
    }
}

void Page::command(std::size_t indent, std::string_view text) {
    text_.append(indent, ' ').append(text).append("\n");
}

void Page::entry(std::size_t indent, std::string_view term, std::size_t column, std::string_view text) {
    row(indent, {{term, column, Paint::none}}, text);
}

void Page::numbered(std::size_t indent, unsigned number, std::string_view text) {
    const auto term = fmt::format("{}.", number);
    entry(indent, term, indent + term.size() + 1, text);
}

void Page::row(std::size_t indent, const std::vector<Cell>& cells, std::string_view text) {
    text_.append(indent, ' ');
    std::size_t used = indent;
    std::size_t padding = 0;
    for (const auto& cell : cells) {
        text_.append(padding, ' ').append(painted(cell.text, cell.paint));
        used += padding + length(cell.text);
        padding = std::max(cell.end, used + 1) - used;
    }
    const auto column = used + padding;
    const auto intended = cells.back().end;
    if (text.empty()) {
        text_ += '\n';
    } else if (column > intended || style_.width < column + narrowest_column) {
        text_ += '\n';
        paragraph(std::min(intended, indent + 4), text);
    } else {
        for (const auto& line : wrap(text, style_.width - column)) {
            text_.append(padding, ' ').append(line).append("\n");
            padding = column;
        }
    }
}

}  // namespace handler
