#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "remediations/machine/result.hpp"

namespace machine {

/// An event of a Windows event log, without its message, which is localized.
struct Event {
    std::string channel;   ///< "System"
    std::string provider;  ///< "VSS"
    std::uint32_t id = 0;  ///< as the Event Viewer shows it, without severity and facility bits
    std::chrono::system_clock::time_point time = {};
    std::vector<std::string> data = {};  ///< insertion strings, or the values of EventData, in order
    std::uint8_t level = 0;              ///< 1 critical, 2 error, 3 warning, 4 information; 0 without a level

    friend bool operator==(const Event&, const Event&) = default;
};

struct EventSource {
    std::string provider;                 ///< compares without case
    std::vector<std::uint32_t> ids = {};  ///< empty: all events of the provider
    bool only_failures = false;           ///< only errors and warnings of these

    friend bool operator==(const EventSource&, const EventSource&) = default;
};

struct EventQuery {
    std::string channel;                    ///< "System", "Microsoft-Windows-AppLocker/EXE and DLL"
    std::vector<EventSource> sources = {};  ///< events of any of these sources; empty: of every provider
    std::chrono::seconds newer_than = std::chrono::hours(24 * 7);
    std::size_t limit = 100;

    friend bool operator==(const EventQuery&, const EventQuery&) = default;
};

/// The Windows event logs. ErrorKind::unsupported on a system without them: the base class answers so.
class EventLog {
public:
    virtual ~EventLog() = default;

    /// Returns the events, newest first. ErrorKind::not_found where there is no such channel, timed_out after ten
    /// seconds.
    virtual Result<std::vector<Event>> read(const EventQuery& query) const;
};

/// Returns true for level critical, error or warning.
bool is_failure(const Event& event);

/// Returns true if the query asks for this event; `now` is the time of the query.
bool matches(const EventQuery& query, const Event& event, std::chrono::system_clock::time_point now);

}  // namespace machine
