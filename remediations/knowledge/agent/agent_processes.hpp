#pragma once

#include <optional>
#include <string>
#include <vector>

#include "remediations/machine/machine.hpp"

namespace remediations {

/// The processes of the Linux guest agent that run now.
struct AgentProcesses {
    /// "waagent -daemon", which the service manager starts. It keeps the other process running.
    std::optional<machine::Process> daemon;
    /// "... -run-exthandlers", its child: processes goal states and runs extensions. Its program is waagent itself or,
    /// after the agent updated itself, bin/WALinuxAgent-<version>-py<n>.egg.
    std::optional<machine::Process> goal_state_handler;

    bool any() const { return daemon || goal_state_handler; }
};

/// Returns those of the list that the diagnoses share (machine::ProcessList).
machine::Result<AgentProcesses> agent_processes(const machine::Machine& machine);
AgentProcesses agent_processes_among(const std::vector<machine::Process>& processes);

/// Returns true if the guest agent, of either system, was started after `time` or in the same second, because starts
/// are known to the second. What a log said of it before may be over.
bool agent_started_since(const machine::Machine& machine, std::chrono::system_clock::time_point time);

/// Returns "python3 -u /usr/sbin/waagent -daemon (pid 620)".
std::string describe(const machine::Process& process);

/// Returns the state of a process now, from /proc/<pid>/stat: 'R', 'S', 'T' for stopped by a signal, 't' for traced
/// (proc(5)). '\0' where it cannot be read.
char process_state(const machine::Machine& machine, const machine::Process& process);

/// Returns how long a process has been running; nullopt where its start is not known.
std::optional<std::chrono::system_clock::duration> running_time(const machine::Machine& machine,
                                                                const machine::Process& process);

/// Returns texts of the Linux agent's log that only an agent writes which gets its goal states. Old agents write no
/// heartbeat.
std::vector<std::string> signs_of_agent_at_work();

/// Returns the same texts without the heartbeat: an agent writes a heartbeat every half hour, with or without a goal
/// state, and counts in it the errors since the one before (update.py, _send_heartbeat_telemetry).
std::vector<std::string> signs_of_fetched_goal_state();

}  // namespace remediations
