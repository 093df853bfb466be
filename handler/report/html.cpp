#include "handler/report/html.hpp"

#include "handler/report/plain_text.hpp"

namespace handler {

namespace {

/// Escapes for text and for attributes in double quotes.
std::string escaped(std::string_view text) {
    std::string result;
    for (const char character : visible(text)) {
        switch (character) {
            case '&':
                result += "&amp;";
                break;
            case '<':
                result += "&lt;";
                break;
            case '>':
                result += "&gt;";
                break;
            case '"':
                result += "&quot;";
                break;
            case '\'':
                result += "&#39;";
                break;
            default:
                result += character;
        }
    }
    return result;
}

std::string opened(Literal name, std::initializer_list<Attribute> attributes) {
    std::string tag = "<";
    tag += name.text();
    for (const auto& attribute : attributes) {
        tag.append(" ").append(attribute.name.text()).append("=\"").append(escaped(attribute.value)).append("\"");
    }
    return tag + ">";
}

}  // namespace

Html::Html(std::string_view text) : markup_(escaped(text)) {}

Html Html::literal(Literal markup) {
    Html result;
    result.markup_ = markup.text();
    return result;
}

Html Html::element(Literal name, std::initializer_list<Attribute> attributes, const Html& content) {
    Html result;
    result.markup_ = opened(name, attributes);
    result.markup_.append(content.markup_).append("</").append(name.text()).append(">");
    return result;
}

Html Html::empty_element(Literal name, std::initializer_list<Attribute> attributes) {
    Html result;
    result.markup_ = opened(name, attributes);
    return result;
}

Html& Html::operator+=(const Html& other) {
    markup_ += other.markup_;
    return *this;
}

}  // namespace handler
