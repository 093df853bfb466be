#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace handler {

struct TextStyle {
    bool color = false;
    std::size_t width = 80;  ///< columns
};

enum class Paint { none, strong, good, bad, attention, faint };

struct Cell {
    std::string_view text;
    std::size_t end = 0;  ///< column where the following text begins
    Paint paint = Paint::none;
};

/// Text for a terminal, line by line: wrapped, indented, coloured. Text from a machine must be visible() before it is
/// added.
class Page {
public:
    explicit Page(const TextStyle& style) : style_(style) {}

    void blank();
    void heading(std::string_view text, Paint paint = Paint::strong);
    void paragraph(std::size_t indent, std::string_view text);
    /// Adds a line that is never wrapped, so that it can be copied.
    void command(std::size_t indent, std::string_view text);
    /// Adds a term and, from `column` on, text that wraps beside it; on a narrow terminal below it.
    void entry(std::size_t indent, std::string_view term, std::size_t column, std::string_view text);
    /// Adds "7." and text that wraps beside it.
    void numbered(std::size_t indent, unsigned number, std::string_view text);
    /// Adds an entry with several terms before the text.
    void row(std::size_t indent, const std::vector<Cell>& cells, std::string_view text);

    std::string text() && { return std::move(text_); }

private:
    std::string painted(std::string_view text, Paint paint) const;

    TextStyle style_;
    std::string text_;
};

}  // namespace handler
