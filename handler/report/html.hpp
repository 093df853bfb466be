#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

namespace handler {

/// Text from the source of this program, which so cannot come from a machine.
class Literal {
public:
    consteval Literal(const char* text) : text_(text) {}  // NOLINT(google-explicit-constructor)
    constexpr std::string_view text() const { return text_; }

private:
    std::string_view text_;
};

struct Attribute {
    Literal name;
    std::string value;  ///< it is escaped when it is written
};

/// HTML in which every part was escaped or is a Literal. Text becomes Html only by escaping, so that text from a
/// machine cannot add an element, an attribute or a script.
class Html {
public:
    Html() = default;
    /// One line of text: first visible(), then escaped.
    Html(std::string_view text);                                     // NOLINT(google-explicit-constructor)
    Html(const std::string& text) : Html(std::string_view(text)) {}  // NOLINT(google-explicit-constructor)
    Html(const char* text) : Html(std::string_view(text)) {}         // NOLINT(google-explicit-constructor)

    /// Returns markup without escaping: a style sheet, a drawing.
    static Html literal(Literal markup);
    /// Returns <name attributes>content</name>.
    static Html element(Literal name, std::initializer_list<Attribute> attributes, const Html& content);
    static Html element(Literal name, const Html& content) { return element(name, {}, content); }
    /// Returns <name attributes>, for elements without content (meta).
    static Html empty_element(Literal name, std::initializer_list<Attribute> attributes);

    Html& operator+=(const Html& other);
    friend Html operator+(Html left, const Html& right) { return std::move(left += right); }

    bool empty() const { return markup_.empty(); }
    const std::string& markup() const { return markup_; }

private:
    std::string markup_;
};

}  // namespace handler
