#include "handler/report/status.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

#include "handler/report/paths.hpp"
#include "remediations/machine/utf8.hpp"

namespace handler {

namespace json = boost::json;

namespace {

/// Returns UTF-8 without control characters other than line feed and tab.
std::string presentable(std::string_view text) {
    auto valid = machine::valid_utf8(text);
    std::ranges::replace_if(
        valid,
        [](char c) {
            const auto byte = static_cast<unsigned char>(c);
            return (byte < 0x20 && c != '\n' && c != '\t') || byte == 0x7F;
        },
        ' ');
    return valid;
}

json::object formatted_message(std::string_view text, std::size_t limit, const std::filesystem::path& log) {
    return {{"lang", "en-US"}, {"message", cut(text, limit, log)}};
}

json::object substatus_object(const Substatus& part, std::size_t message_limit, const std::filesystem::path& log) {
    return {{"name", part.name},
            {"status", to_string(part.status)},
            {"code", part.code},
            {"formattedMessage", formatted_message(part.message, message_limit, log)}};
}

/// `message_limit` is the limit for the message of every substatus.
std::string text_with(const Status& status, std::string_view handler_name, std::chrono::system_clock::time_point now,
                      const std::filesystem::path& log, std::size_t message_limit) {
    json::array substatus;
    for (const auto& part : status.substatus) substatus.push_back(substatus_object(part, message_limit, log));
    const json::array document = {{{"version", "1.0"},
                                   {"timestampUTC", utc_text(now)},
                                   {"status",
                                    {{"name", handler_name},
                                     {"operation", "Enable"},
                                     {"status", to_string(status.status)},
                                     {"code", status.code},
                                     {"formattedMessage", formatted_message(status.message, status_message_limit, log)},
                                     {"substatus", std::move(substatus)}}}}};
    return json::serialize(document);
}

}  // namespace

std::string_view to_string(StatusWord word) {
    switch (word) {
        case StatusWord::transitioning:
            return "transitioning";
        case StatusWord::success:
            return "success";
        case StatusWord::warning:
            return "warning";
        case StatusWord::error:
            return "error";
    }
    return "error";
}

std::string cut(std::string_view text, std::size_t limit, const std::filesystem::path& log) {
    auto valid = presentable(text);
    if (valid.size() <= limit) return valid;
    const auto note = fmt::format("... (cut; see {})", presentable(to_text(log)));
    const auto kept = limit > note.size() ? limit - note.size() : 0;
    return std::string(machine::utf8_prefix(valid, kept)) + std::string(machine::utf8_prefix(note, limit));
}

std::string status_file_text(const Status& status, std::string_view handler_name,
                             std::chrono::system_clock::time_point now, const std::filesystem::path& log) {
    constexpr std::size_t shortest_message = 256;
    // The limit of a substatus covers its name too.
    const auto longest_name = [&] {
        std::size_t longest = 0;
        for (const auto& part : status.substatus) longest = std::max(longest, part.name.size());
        return longest;
    }();
    for (auto limit = substatus_limit - std::min(longest_name, substatus_limit / 2); limit >= shortest_message;
         limit /= 2) {
        auto text = text_with(status, handler_name, now, log, limit);
        if (text.size() <= status_file_limit) return text;
    }
    // Even the shortest messages are too many: the first ones, which are the layers, stay.
    auto shortened = status;
    while (!shortened.substatus.empty()) {
        shortened.substatus.resize(shortened.substatus.size() / 2);
        const auto dropped = status.substatus.size() - shortened.substatus.size();
        auto whole = shortened;
        whole.substatus.push_back(
            {"more", StatusWord::warning, 0, fmt::format("{} more are in {}", dropped, to_text(log))});
        auto text = text_with(whole, handler_name, now, log, shortest_message);
        if (text.size() <= status_file_limit) return text;
    }
    return text_with(shortened, handler_name, now, log, shortest_message);
}

machine::Result<std::string> with_substatus(const std::string& status_text, const Substatus& substatus,
                                            std::chrono::system_clock::time_point now,
                                            const std::filesystem::path& log) {
    using machine::Error;
    using machine::ErrorKind;
    constexpr std::size_t longest_message = 2048;
    json::error_code code;
    auto document = json::parse(status_text, code);
    if (code) return machine::Error::invalid("the stored status is no JSON: " + code.message());
    auto* time = document.find_pointer("/0/timestampUTC", code);
    auto* parts = document.find_pointer("/0/status/substatus", code);
    if (!time || !parts || !parts->is_array()) {
        return machine::Error::invalid("the stored status: expected timestampUTC and status.substatus");
    }
    *time = utc_text(now);
    const auto part = substatus_object(substatus, longest_message, log);
    auto& all = parts->get_array();
    const auto is_same = [&](const json::value& each) {
        const auto* object = each.if_object();
        const auto* name = object ? object->if_contains("name") : nullptr;
        return name && *name == json::value(substatus.name);
    };
    if (auto* same = std::ranges::find_if(all, is_same); same != all.end()) {
        *same = part;
    } else {
        all.push_back(part);
    }
    auto text = json::serialize(document);
    if (text.size() > status_file_limit) return machine::Error::too_large("the status has no room for more");
    return text;
}

std::string utc_text(std::chrono::system_clock::time_point time) {
    const auto seconds = std::chrono::time_point_cast<std::chrono::seconds>(time);
    return fmt::format("{:%FT%TZ}", fmt::gmtime(std::chrono::system_clock::to_time_t(seconds)));
}

}  // namespace handler
