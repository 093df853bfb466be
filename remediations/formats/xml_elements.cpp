#include "remediations/formats/xml_elements.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace remediations {

using machine::Error;
using machine::Result;

namespace {

constexpr std::size_t deepest = 200;
constexpr std::size_t most_elements = 100'000;
constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
constexpr std::string_view blanks = " \t\r\n";

bool starts_name(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':' || byte >= 0x80;
}

bool is_of_name(char c) {
    return starts_name(c) || (c >= '0' && c <= '9') || c == '-' || c == '.';
}

class Scanner {
public:
    explicit Scanner(std::string_view text) : text_(text) {}

    Result<std::vector<XmlElement>> scan() {
        if (text_.starts_with(byte_order_mark)) at_ = byte_order_mark.size();
        while (at_ < text_.size()) {
            if (text_[at_] != '<') {
                if (auto passed = pass_text(); !passed) return passed.error();
            } else if (auto passed = pass_markup(); !passed) {
                return passed.error();
            }
        }
        if (!open_.empty()) {
            const auto& element = elements_[open_.back()];
            return machine::Error::invalid(fmt::format("<{}> of line {} is never closed", element.name, element.line));
        }
        if (elements_.empty()) return invalid("there is no element");
        return std::move(elements_);
    }

private:
    Error invalid(const std::string& what) const {
        return machine::Error::invalid(fmt::format("line {}: {}", line_at(at_), what));
    }

    /// Offsets must grow from call to call, so that the document is counted only once.
    std::size_t line_at(std::size_t offset) const {
        const auto end = std::min(offset, text_.size());
        if (end < counted_to_) return line_;
        line_ += static_cast<std::size_t>(std::count(text_.begin() + static_cast<std::ptrdiff_t>(counted_to_),
                                                     text_.begin() + static_cast<std::ptrdiff_t>(end), '\n'));
        counted_to_ = end;
        return line_;
    }

    Result<void> pass_text() {
        const auto end = std::min(text_.find('<', at_), text_.size());
        const bool is_blank = text_.substr(at_, end - at_).find_first_not_of(blanks) == text_.npos;
        if (open_.empty() && !is_blank) return invalid("text outside of the root element");
        at_ = end;
        return {};
    }

    Result<void> pass_until(std::string_view ending, std::string_view what) {
        const auto end = text_.find(ending, at_);
        if (end == text_.npos) return invalid(fmt::format("{} that does not end", what));
        at_ = end + ending.size();
        return {};
    }

    Result<void> pass_markup() {
        const auto rest = text_.substr(at_);
        if (rest.starts_with("<!--")) return pass_until("-->", "a comment");
        if (rest.starts_with("<?")) return pass_until("?>", "an instruction");
        if (rest.starts_with("<![CDATA[")) {
            if (open_.empty()) return invalid("text outside of the root element");
            return pass_until("]]>", "a CDATA section");
        }
        if (rest.starts_with("<!")) return pass_until(">", "a declaration");
        return rest.starts_with("</") ? close() : open();
    }

    std::string name_from(std::size_t from) const {
        auto end = from;
        if (end < text_.size() && starts_name(text_[end])) {
            while (end < text_.size() && is_of_name(text_[end])) ++end;
        }
        return std::string(text_.substr(from, end - from));
    }

    std::size_t after_blanks(std::size_t from) const {
        return std::min(text_.find_first_not_of(blanks, from), text_.size());
    }

    Result<void> close() {
        const auto name = name_from(at_ + 2);
        const auto end = after_blanks(at_ + 2 + name.size());
        if (name.empty() || end == text_.size() || text_[end] != '>') return invalid("an end tag was expected");
        if (open_.empty()) return invalid(fmt::format("</{}> closes nothing", name));
        auto& element = elements_[open_.back()];
        if (element.name != name) {
            return invalid(fmt::format("</{}> where </{}> of line {} was expected", name, element.name, element.line));
        }
        element.end = end + 1;
        open_.pop_back();
        at_ = end + 1;
        return {};
    }

    Result<void> open() {
        const auto name = name_from(at_ + 1);
        if (name.empty()) return invalid("a tag was expected");
        if (open_.empty() && !elements_.empty()) return invalid("a second root element");
        if (open_.size() >= deepest || elements_.size() >= most_elements) {
            return machine::Error::too_large(fmt::format("line {}: too many elements", line_at(at_)));
        }
        auto place = at_ + 1 + name.size();
        for (;;) {
            const auto next = after_blanks(place);
            if (next == text_.size()) return invalid(fmt::format("<{}> does not end", name));
            const bool is_empty = text_.substr(next).starts_with("/>");
            if (is_empty || text_[next] == '>') {
                add(name, next + (is_empty ? 2 : 1), is_empty);
                return {};
            }
            if (next == place) return invalid(fmt::format("a blank was expected in <{}>", name));
            const auto attribute = name_from(next);
            const auto equals = after_blanks(next + attribute.size());
            if (attribute.empty() || equals == text_.size() || text_[equals] != '=') {
                return invalid(fmt::format("an attribute was expected in <{}>", name));
            }
            const auto quote = after_blanks(equals + 1);
            const bool is_quoted = quote < text_.size() && (text_[quote] == '"' || text_[quote] == '\'');
            const auto last = is_quoted ? text_.find(text_[quote], quote + 1) : text_.npos;
            if (last == text_.npos) {
                return invalid(fmt::format("the value of {} in <{}> has no quotes", attribute, name));
            }
            if (text_.substr(quote, last - quote).find('<') != text_.npos) {
                return invalid(fmt::format("'<' in the value of {} in <{}>", attribute, name));
            }
            place = last + 1;
        }
    }

    void add(const std::string& name, std::size_t end, bool is_empty) {
        elements_.push_back({.name = name,
                             .start_tag = std::string(text_.substr(at_, end - at_)),
                             .begin = at_,
                             .end = end,
                             .line = line_at(at_),
                             .depth = open_.size()});
        if (!is_empty) open_.push_back(elements_.size() - 1);
        at_ = end;
    }

    std::string_view text_;
    std::size_t at_ = 0;
    mutable std::size_t counted_to_ = 0;
    mutable std::size_t line_ = 1;
    std::vector<std::size_t> open_;
    std::vector<XmlElement> elements_;
};

}  // namespace

Result<std::vector<XmlElement>> parse_xml_elements(std::string_view text) {
    return Scanner(text).scan();
}

}  // namespace remediations
