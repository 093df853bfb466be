#include "remediations/knowledge/logs/event_evidence.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <boost/algorithm/string/case_conv.hpp>
#include <boost/algorithm/string/find.hpp>
#include <boost/algorithm/string/predicate.hpp>
#include <boost/algorithm/string/trim.hpp>
#include <charconv>
#include <stdexcept>

#include "remediations/machine/recorded/redact.hpp"
#include "remediations/machine/utf8.hpp"

namespace remediations {

using machine::ErrorKind;
using machine::Event;

namespace {

bool covers(const EventPattern& all, const EventPattern& part) {
    return boost::iequals(all.channel, part.channel) && boost::iequals(all.provider, part.provider) &&
           std::ranges::all_of(part.ids, [&](auto id) { return std::ranges::find(all.ids, id) != all.ids.end(); });
}

/// Returns one query for each channel, with each provider once.
std::vector<machine::EventQuery> queries_for(const std::vector<EventPattern>& patterns) {
    std::vector<machine::EventQuery> queries;
    for (const auto& pattern : patterns) {
        auto query = std::ranges::find_if(
            queries, [&](const auto& known) { return boost::iequals(known.channel, pattern.channel); });
        if (query == queries.end()) {
            query = queries.insert(query, {.channel = pattern.channel,
                                           .sources = {},
                                           .newer_than = EventEvidence::age_limit,
                                           .limit = EventEvidence::most_events});
        }
        auto source = std::ranges::find_if(
            query->sources, [&](const auto& known) { return boost::iequals(known.provider, pattern.provider); });
        if (source == query->sources.end()) source = query->sources.insert(source, {pattern.provider, {}});
        for (const auto id : pattern.ids) {
            if (std::ranges::find(source->ids, id) == source->ids.end()) source->ids.push_back(id);
        }
    }
    return queries;
}

bool is_of_word(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/// Returns true if the text contains the whole word, in any case.
bool has_word(std::string_view text, std::string_view word) {
    for (auto rest = text; !word.empty();) {
        const auto found = boost::algorithm::ifind_first(rest, word);
        if (found.empty()) return false;
        const auto* end = text.data() + text.size();
        const bool begins = found.begin() == text.data() || !is_of_word(found.begin()[-1]);
        const bool ends = found.end() == end || !is_of_word(*found.end());
        if (begins && ends) return true;
        rest = std::string_view(found.begin() + 1, static_cast<std::size_t>(end - found.begin() - 1));
    }
    return true;
}

bool says(const Event& event, const Signal& signal) {
    const auto has = [&](const std::string& word) {
        return std::ranges::any_of(event.data, [&](const auto& value) { return has_word(value, word); });
    };
    if (!signal.service.empty() && !boost::iequals(service_of(event), signal.service)) return false;
    return std::ranges::all_of(signal.with, has) && std::ranges::none_of(signal.without, has);
}

/// Returns the named instances of SQL Server.
std::vector<std::string> sql_instances(const machine::Machine& machine) {
    constexpr std::size_t most_instances = 50;  // as many as SQL Server allows
    constexpr auto key = R"(HKLM\SOFTWARE\Microsoft\Microsoft SQL Server\Instance Names\SQL)";
    auto names = machine.registry().value_names(key);
    if (!names) return {};
    std::erase_if(*names, [](const auto& name) { return name.empty() || boost::iequals(name, "MSSQLSERVER"); });
    names->resize(std::min(names->size(), most_instances));
    return *names;
}

/// Decodes "560053005300": UTF-16, little-endian, of ASCII letters, up to its end, a NUL or a '/'. Empty for anything
/// else.
std::string text_in_binary(std::string_view hexadecimal) {
    constexpr std::size_t digits_of_letter = 4;
    std::string text;
    for (; hexadecimal.size() >= digits_of_letter; hexadecimal.remove_prefix(digits_of_letter)) {
        unsigned low = 0;
        const auto* end = hexadecimal.data() + 2;
        const auto parsed = std::from_chars(hexadecimal.data(), end, low, 16);
        if (parsed.ec != std::errc() || parsed.ptr != end || !hexadecimal.substr(2).starts_with("00")) return {};
        if (low == 0 || low == '/') return text;
        if (low <= ' ' || low > '~') return {};
        text += static_cast<char>(low);
    }
    return hexadecimal.empty() ? text : std::string();
}

/// Returns valid UTF-8 without control characters. Its limit is higher than that of a log line, because the reason is
/// often the last word.
std::string cut(std::string_view text) {
    constexpr std::size_t longest = 4096;
    auto result = machine::valid_utf8(text.substr(0, longest));
    const auto is_control = [](unsigned char c) { return c < ' ' || c == '\x7f'; };
    std::ranges::replace_if(result, is_control, ' ');
    result = machine::utf8_prefix(result, longest);
    boost::algorithm::trim_right(result);
    return result;
}

}  // namespace

EventEvidence::EventEvidence(const machine::Machine& machine, const std::vector<EventPattern>& patterns,
                             const BackupRuns& runs)
    : patterns_(patterns) {
    if (machine.facts().platform != machine::Platform::windows) return;
    read(machine, patterns);
    read_failures(machine, runs);
}

void EventEvidence::read(const machine::Machine& machine, const std::vector<EventPattern>& patterns) {
    for (const auto& query : queries_for(patterns)) {
        auto events = machine.events().read(query);
        const auto channel = boost::to_lower_copy(query.channel);
        if (events) {
            events_[channel] = std::move(*events);
        } else if (events.error().kind != ErrorKind::not_found) {
            unread_[channel] = events.error();
        }
    }
}

void EventEvidence::read_failures(const machine::Machine& machine, const BackupRuns& runs) {
    std::vector<Event> all;
    for (const auto& [channel, events] : events_) all.insert(all.end(), events.begin(), events.end());
    for (const auto& query : failure_queries(sql_instances(machine))) {
        const auto events = machine.events().read(query);
        const bool is_absent =
            !events && (events.error().kind == ErrorKind::not_found || events.error().kind == ErrorKind::not_captured);
        if (!events && !is_absent) unread_failures_.push_back(events.error());
        if (!events) continue;
        // Two alike in one answer are two events; one in both answers is one.
        const auto known = events_.find(boost::to_lower_copy(query.channel));
        for (const auto& event : *events) {
            const bool is_known =
                known != events_.end() && std::ranges::find(known->second, event) != known->second.end();
            if (!is_known) all.push_back(event);
        }
    }
    failures_ = failures_among(all, runs);
}

std::vector<const Event*> EventEvidence::find(const EventPattern& pattern) const {
    if (std::ranges::none_of(patterns_, [&](const auto& known) { return covers(known, pattern); })) {
        throw std::logic_error(fmt::format("nobody looks for event {} of {} in channel {}",
                                           fmt::join(pattern.ids, ", "), pattern.provider, pattern.channel));
    }
    std::vector<const Event*> found;
    const auto channel = events_.find(boost::to_lower_copy(pattern.channel));
    if (channel == events_.end()) return found;
    for (const auto& event : channel->second) {
        const bool is_wanted = boost::iequals(event.provider, pattern.provider) &&
                               std::ranges::find(pattern.ids, event.id) != pattern.ids.end();
        if (is_wanted) found.push_back(&event);
    }
    return found;
}

const Event* EventEvidence::proof_for(const Remediation& remediation) const {
    const Event* newest = nullptr;
    for (const auto& signal : remediation.signals) {
        if (signal.role != Role::proof || !signal.is_event()) continue;
        const auto events = find(signal.event);
        const auto found = std::ranges::find_if(events, [&](const auto* event) { return says(*event, signal); });
        if (found != events.end() && (newest == nullptr || (*found)->time > newest->time)) newest = *found;
    }
    return newest;
}

const machine::Error* EventEvidence::unread(std::string_view channel) const {
    const auto found = unread_.find(boost::to_lower_copy(std::string(channel)));
    return found == unread_.end() ? nullptr : &found->second;
}

std::string service_of(const Event& event) {
    // DCOM: error, service, arguments, server.
    if (boost::iends_with(event.provider, "DCOM") || boost::iends_with(event.provider, "DistributedCOM")) {
        constexpr std::uint32_t cannot_start = 10005;
        return event.id == cannot_start && event.data.size() > 1 ? event.data[1] : std::string();
    }
    // The service manager: last of all, as binary data, since Windows Server 2008 R2.
    if (!boost::iequals(event.provider, "Service Control Manager") || event.data.size() < 2) return {};
    return text_in_binary(event.data.back());
}

Evidence evidence_of(const Event& event, std::string expected) {
    auto values = event.data;
    for (auto& value : values) boost::algorithm::trim(value);
    std::erase(values, std::string());
    const auto seen = fmt::format("{:%Y-%m-%d %H:%M:%S}Z {}", std::chrono::floor<std::chrono::seconds>(event.time),
                                  fmt::join(values, " | "));
    return {fmt::format("event log {}: {} {}", event.channel, event.provider, event.id),
            cut(machine::recorded::redact(cut(seen))), std::move(expected)};
}

}  // namespace remediations
