#include "remediations/knowledge/agent/agent_events.hpp"

#include <algorithm>
#include <boost/algorithm/string/predicate.hpp>

namespace remediations {

using machine::Event;
using machine::Machine;

namespace {

constexpr auto window = std::chrono::hours(24);

// They name the service by its display name; the second one started it again.
EventPattern service_ended() {
    return {"System", "Service Control Manager", {7031, 7034}};
}
// The text names the executable: "Application: WaAppAgent.exe", with the exception below.
EventPattern unhandled_exception() {
    return {"Application", ".NET Runtime", {1026}};
}
// The first value is the executable's name.
EventPattern faulting_application() {
    return {"Application", "Application Error", {1000}};
}

bool names_service(const Event& event, const WindowsAgentService& agent) {
    return !event.data.empty() &&
           (boost::iequals(event.data.front(), agent.display_name) || boost::iequals(event.data.front(), agent.name));
}

bool names_program(const Event& event, const WindowsAgentService& agent) {
    return !event.data.empty() && boost::icontains(event.data.front(), agent.program);
}

bool is_of_name(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_';
}

}  // namespace

std::vector<EventPattern> agent_crash_events() {
    return {service_ended(), unhandled_exception(), faulting_application()};
}

std::vector<Signal> agent_ended_with(const std::string& what, const std::vector<std::string>& without) {
    std::vector<Signal> all;
    for (const auto* agent : windows_agent_services) {
        all.push_back(
            {.role = Role::proof, .event = unhandled_exception(), .with = {agent->program, what}, .without = without});
    }
    return all;
}

std::string exception_in(std::string_view text) {
    constexpr std::string_view ending = "Exception";
    for (auto at = text.find(ending); at != text.npos; at = text.find(ending, at + 1)) {
        auto start = at;
        while (start > 0 && is_of_name(text[start - 1])) --start;
        const auto end = at + ending.size();
        const bool is_whole = end == text.size() || !is_of_name(text[end]);
        // "Exception Info:" itself has nothing in front.
        if (is_whole && start < at) return std::string(text.substr(start, end - start));
    }
    return {};
}

AgentCrashes agent_crashes(const Machine& machine, const WindowsAgentService& agent) {
    AgentCrashes crashes;
    const auto& events = machine.derived<EventEvidence>();
    const auto is_recent = [&](const Event& event) { return machine.facts().now - event.time < window; };
    std::vector<std::chrono::system_clock::time_point> ends;
    std::vector<std::chrono::system_clock::time_point> faults;
    const auto collect = [&](const EventPattern& pattern, const auto& names, auto& times) {
        bool is_first = true;
        for (const auto* event : events.find(pattern)) {
            if (!is_recent(*event) || !names(*event, agent)) continue;
            times.push_back(event->time);
            if (is_first) crashes.evidence.push_back(evidence_of(*event, "no such event"));
            if (is_first && event->id == 1026) crashes.exception = exception_in(event->data.front());
            is_first = false;
        }
    };
    collect(service_ended(), names_service, ends);
    collect(unhandled_exception(), names_program, faults);
    std::vector<std::chrono::system_clock::time_point> reports;
    collect(faulting_application(), names_program, reports);
    // One crash leaves an event of each kind. The service manager's are the most complete, where it knows the name.
    crashes.times = std::max({ends, faults, reports},
                             [](const auto& left, const auto& right) { return left.size() < right.size(); });
    return crashes;
}

}  // namespace remediations
