#include "remediations/machine/windows/event_query.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "remediations/machine/xml_text.hpp"

namespace machine::windows {

namespace {

/// The service refuses an XPath with more than some twenty comparisons. The number of Selects is not limited.
constexpr std::size_t ids_in_a_select = 16;

Result<std::string> quoted(const std::string& text) {
    const bool has_control = std::ranges::any_of(text, [](unsigned char c) { return c < ' '; });
    for (const char quote : {'\'', '"'}) {
        if (!has_control && text.find(quote) == text.npos) return quote + text + quote;
    }
    return Error::invalid("event provider " + text + " cannot be asked for in XPath");
}

}  // namespace

Result<std::string> event_query_xml(const EventQuery& query) {
    const auto age =
        fmt::format("TimeCreated[timediff(@SystemTime) <= {}]", std::chrono::milliseconds(query.newer_than).count());
    std::string selects;
    const auto select = [&](const std::string& conditions) {
        selects += fmt::format(R"(<Select Path="{}">{}</Select>)", xml_escaped(query.channel),
                               xml_escaped(fmt::format("*[System[{}{}]]", conditions, age)));
    };
    if (query.sources.empty()) select("");
    for (const auto& source : query.sources) {
        const auto name = quoted(source.provider);
        if (!name) return name.error();
        const auto* level = source.only_failures ? "(Level=1 or Level=2 or Level=3) and " : "";
        const auto provider = fmt::format("Provider[@Name={}] and {}", *name, level);
        if (source.ids.empty()) select(provider);
        for (std::size_t first = 0; first < source.ids.size(); first += ids_in_a_select) {
            std::string ids;
            for (auto index = first; index < std::min(first + ids_in_a_select, source.ids.size()); ++index) {
                ids += fmt::format("{}EventID={}", ids.empty() ? "" : " or ", source.ids[index]);
            }
            select(fmt::format("{}({}) and ", provider, ids));
        }
    }
    return "<QueryList><Query Id=\"0\">" + selects + "</Query></QueryList>";
}

}  // namespace machine::windows
