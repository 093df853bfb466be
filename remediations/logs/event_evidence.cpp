#include "remediations/logs/event_evidence.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <boost/algorithm/string/case_conv.hpp>
#include <boost/algorithm/string/predicate.hpp>
#include <boost/algorithm/string/trim.hpp>
#include <stdexcept>

#include "remediations/catalogue.hpp"
#include "remediations/logs/log_line.hpp"
#include "remediations/machine/recorded/redact.hpp"

namespace remediations {

using machine::ErrorKind;
using machine::Event;

namespace {

std::vector<EventPattern> patterns_of_catalogue() {
    std::vector<EventPattern> patterns;
    for (const auto* remediation : catalogue()) {
        patterns.insert(patterns.end(), remediation->events.begin(), remediation->events.end());
    }
    return patterns;
}

bool covers(const EventPattern& all, const EventPattern& part) {
    return boost::iequals(all.channel, part.channel) && boost::iequals(all.provider, part.provider) &&
           std::ranges::all_of(part.ids, [&](auto id) { return std::ranges::find(all.ids, id) != all.ids.end(); });
}

/// One query for each channel, with each provider once.
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

}  // namespace

EventEvidence::EventEvidence(const machine::Machine& machine) : EventEvidence(machine, patterns_of_catalogue()) {}

EventEvidence::EventEvidence(const machine::Machine& machine, const std::vector<EventPattern>& patterns)
    : patterns_(patterns) {
    if (machine.facts().platform == machine::Platform::windows) read(machine, patterns);
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

const machine::Error* EventEvidence::unread(std::string_view channel) const {
    const auto found = unread_.find(boost::to_lower_copy(std::string(channel)));
    return found == unread_.end() ? nullptr : &found->second;
}

Evidence evidence_of(const Event& event, std::string expected) {
    auto values = event.data;
    for (auto& value : values) boost::algorithm::trim(value);
    std::erase(values, std::string());
    const auto seen = fmt::format("{:%Y-%m-%d %H:%M:%S}Z {}", std::chrono::floor<std::chrono::seconds>(event.time),
                                  fmt::join(values, " | "));
    return {fmt::format("event log {}: {} {}", event.channel, event.provider, event.id),
            printable(machine::recorded::redact(printable(seen))), std::move(expected)};
}

}  // namespace remediations
