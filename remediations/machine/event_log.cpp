#include "remediations/machine/event_log.hpp"

#include <algorithm>
#include <boost/algorithm/string/predicate.hpp>

namespace machine {

Result<std::vector<Event>> EventLog::read(const EventQuery& query) const {
    return Error::unsupported("this system has no event log " + query.channel);
}

bool is_failure(const Event& event) {
    constexpr std::uint8_t critical = 1;
    constexpr std::uint8_t warning = 3;
    return event.level >= critical && event.level <= warning;
}

bool matches(const EventQuery& query, const Event& event, std::chrono::system_clock::time_point now) {
    const std::locale classic = std::locale::classic();
    const auto comes_from = [&](const EventSource& source) {
        return boost::algorithm::iequals(source.provider, event.provider, classic) &&
               (source.ids.empty() || std::ranges::find(source.ids, event.id) != source.ids.end()) &&
               (!source.only_failures || is_failure(event));
    };
    return boost::algorithm::iequals(query.channel, event.channel, classic) && event.time >= now - query.newer_than &&
           (query.sources.empty() || std::ranges::any_of(query.sources, comes_from));
}

}  // namespace machine
