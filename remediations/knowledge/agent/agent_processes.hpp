#pragma once

#include <optional>
#include <string>
#include <vector>

#include "remediations/machine/machine.hpp"

namespace remediations {

/// The processes of the Linux guest agent that run now.
struct AgentProcesses {
    /// "waagent -daemon": what the service manager starts. It keeps the other one running.
    std::optional<machine::Process> daemon;
    /// "... -run-exthandlers", its child: processes goal states and runs extensions. Its program is
    /// waagent itself, or bin/WALinuxAgent-<version>-py<n>.egg of an agent that updated itself.
    std::optional<machine::Process> goal_state_handler;

    bool any() const { return daemon || goal_state_handler; }
};

machine::Result<AgentProcesses> agent_processes(const machine::Machine& machine);

/// "python3 -u /usr/sbin/waagent -daemon (pid 620)"
std::string describe(const machine::Process& process);

/// How long a process has been running; nullopt where its start is not known.
std::optional<std::chrono::system_clock::duration> running_time(const machine::Machine& machine,
                                                                const machine::Process& process);

/// What lines of the Linux agent's log have that only one writes that gets its goal states; old ones have no heartbeat.
std::vector<std::string> signs_of_agent_at_work();

/// Of these, what only an agent writes that gets its goal states. A heartbeat comes every half hour whatever became of
/// them, and counts the errors since the one before it (update.py, _send_heartbeat_telemetry).
std::vector<std::string> signs_of_fetched_goal_state();

}  // namespace remediations
