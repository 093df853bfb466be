#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "remediations/knowledge/agent/windows_agent.hpp"
#include "remediations/knowledge/logs/event_evidence.hpp"

namespace remediations {

/// What the event logs tell of unexpected ends of a service of the Windows guest agent within the last 24 hours.
struct AgentCrashes {
    std::vector<std::chrono::system_clock::time_point> times;  ///< newest first
    std::vector<Evidence> evidence;                            ///< the newest event of each kind
    std::string exception;  ///< of .NET: "System.Configuration.ConfigurationErrorsException"; empty without one
};

AgentCrashes agent_crashes(const machine::Machine& machine, const WindowsAgentService& agent);

/// The events that agent_crashes asks EventEvidence for.
std::vector<EventPattern> agent_crash_events();

/// The event with which .NET says that a program of the agent ended so; `without` is in no such text.
std::vector<Testimony> agent_ended_with(const std::string& what, const std::vector<std::string>& without = {});

/// The name of the first .NET exception in a text, in any language; empty without one.
std::string exception_in(std::string_view text);

}  // namespace remediations
