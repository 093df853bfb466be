#include "remediations/formats/json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/stream_parser.hpp>

namespace remediations {

namespace json = boost::json;

machine::Result<json::value> parse_json(std::string_view text, const std::string& source) {
    constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
    if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());

    json::stream_parser parser;
    json::error_code code;
    auto read = parser.write_some(text.data(), text.size(), code);
    if (!code && read < text.size()) {
        code = json::error::extra_data;
    } else if (!code) {
        parser.finish(code);
    }
    if (!code) return parser.release();
    read = std::min(read, text.size());
    const auto before = text.substr(0, read);
    const auto line = std::ranges::count(before, '\n') + 1;
    const auto column = before.size() - (before.rfind('\n') + 1) + 1;
    return machine::Error::invalid(
        fmt::format("{}: not valid JSON at line {}, column {}: {}", source, line, column, code.message()));
}

std::string_view type_name(const json::value& value) {
    switch (value.kind()) {
        case json::kind::null:
            return "null";
        case json::kind::bool_:
            return "boolean";
        case json::kind::int64:
        case json::kind::uint64:
        case json::kind::double_:
            return "number";
        case json::kind::string:
            return "string";
        case json::kind::array:
            return "array";
        case json::kind::object:
            return "object";
    }
    return "value";
}

}  // namespace remediations
