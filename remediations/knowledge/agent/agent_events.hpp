#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "remediations/knowledge/agent/windows_agent.hpp"
#include "remediations/knowledge/logs/event_evidence.hpp"

namespace remediations {

/// Unexpected ends of a service of the Windows guest agent within the last 24 hours, by the event logs.
struct AgentCrashes {
    std::vector<std::chrono::system_clock::time_point> times;  ///< newest first
    std::vector<Evidence> evidence;                            ///< the newest event of each kind
    std::string exception;  ///< of .NET: "System.Configuration.ConfigurationErrorsException"; empty without one
};

AgentCrashes agent_crashes(const machine::Machine& machine, const WindowsAgentService& agent);

/// Returns the events that agent_crashes() asks EventEvidence for.
std::vector<EventPattern> agent_crash_events();

/// Returns proofs for the event in which .NET says that a program of the agent ended for this reason: its text has
/// `what` and none of `without`.
std::vector<Signal> agent_ended_with(const std::string& what, const std::vector<std::string>& without = {});

/// Returns the name of the first .NET exception in a text of any language; empty without one.
std::string exception_in(std::string_view text);

}  // namespace remediations
