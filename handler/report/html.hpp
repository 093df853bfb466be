#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

namespace handler {

/// Text that stands in the source of this program, and so can come from no machine.
class Literal {
public:
    consteval Literal(const char* text) : text_(text) {}  // NOLINT(google-explicit-constructor)
    constexpr std::string_view text() const { return text_; }

private:
    std::string_view text_;
};

struct Attribute {
    Literal name;
    std::string value;  ///< escaped when it is written
};

/// HTML whose every part was escaped, or is a Literal: text becomes Html only by being escaped, so what a machine
/// says cannot add an element, an attribute or a script.
class Html {
public:
    Html() = default;
    /// Text on one line: visible(), then escaped.
    Html(std::string_view text);                                     // NOLINT(google-explicit-constructor)
    Html(const std::string& text) : Html(std::string_view(text)) {}  // NOLINT(google-explicit-constructor)
    Html(const char* text) : Html(std::string_view(text)) {}         // NOLINT(google-explicit-constructor)

    /// As it stands: a style sheet, a drawing.
    static Html literal(Literal markup);
    /// <name attributes>content</name>.
    static Html element(Literal name, std::initializer_list<Attribute> attributes, const Html& content);
    static Html element(Literal name, const Html& content) { return element(name, {}, content); }
    /// <name attributes>, of the elements that have no content (meta).
    static Html empty_element(Literal name, std::initializer_list<Attribute> attributes);

    Html& operator+=(const Html& other);
    friend Html operator+(Html left, const Html& right) { return std::move(left += right); }

    bool empty() const { return markup_.empty(); }
    const std::string& markup() const { return markup_; }

private:
    std::string markup_;
};

}  // namespace handler
