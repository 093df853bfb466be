#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "remediations/machine/result.hpp"

namespace machine {

/// One event of a Windows event log. What Windows would show as its message is localized, and not here.
struct Event {
    std::string channel;   ///< "System"
    std::string provider;  ///< "VSS"
    std::uint32_t id = 0;  ///< as the Event Viewer shows it: without severity and facility bits
    std::chrono::system_clock::time_point time = {};
    std::vector<std::string> data = {};  ///< insertion strings, or the values of EventData, in their order
    std::uint8_t level = 0;              ///< 1 critical, 2 error, 3 warning, 4 information; 0 where it has none

    friend bool operator==(const Event&, const Event&) = default;
};

struct EventSource {
    std::string provider;                 ///< compares without case
    std::vector<std::uint32_t> ids = {};  ///< none: all of them
    bool only_failures = false;           ///< of those only what is an error or a warning

    friend bool operator==(const EventSource&, const EventSource&) = default;
};

struct EventQuery {
    std::string channel;                    ///< "System", "Microsoft-Windows-AppLocker/EXE and DLL"
    std::vector<EventSource> sources = {};  ///< events of any of them; none: of every provider
    std::chrono::seconds newer_than = std::chrono::hours(24 * 7);
    std::size_t limit = 100;

    friend bool operator==(const EventQuery&, const EventQuery&) = default;
};

/// The Windows event logs. ErrorKind::unsupported on a system without them, as the class itself answers.
class EventLog {
public:
    virtual ~EventLog() = default;

    /// Newest first. ErrorKind::not_found when there is no such channel, timed_out after ten seconds.
    virtual Result<std::vector<Event>> read(const EventQuery& query) const;
};

/// Level critical, error or warning.
bool is_failure(const Event& event);

/// Returns true if the query asks for this event; `now` is the time of the query.
bool matches(const EventQuery& query, const Event& event, std::chrono::system_clock::time_point now);

}  // namespace machine
