#include "remediations/knowledge/agent/agent_processes.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "remediations/knowledge/agent/windows_agent.hpp"
#include "remediations/machine/process_list.hpp"

namespace remediations {

namespace {

bool is_agent_program(std::string_view argument) {
    const auto name = argument.substr(argument.find_last_of('/') + 1);
    return name == "waagent" || name.starts_with("WALinuxAgent-");
}

/// The agent takes its commands with one or two dashes, or a slash.
bool has_command(const machine::Process& process, std::string_view command) {
    return std::ranges::any_of(process.command_line, [&](std::string_view argument) {
        const auto first = argument.find_first_not_of("-/");
        return first != 0 && first != std::string_view::npos && argument.substr(first) == command;
    });
}

}  // namespace

machine::Result<AgentProcesses> agent_processes(const machine::Machine& machine) {
    const auto& list = machine.derived<machine::ProcessList>().processes();
    if (!list) return list.error();
    return agent_processes_among(*list);
}

AgentProcesses agent_processes_among(const std::vector<machine::Process>& processes) {
    AgentProcesses found;
    for (const auto& process : processes) {
        // Anybody's process, or a container's, can call itself so.
        if (!process.of_system || std::ranges::none_of(process.command_line, is_agent_program)) continue;
        if (has_command(process, "daemon")) {
            found.daemon = process;
        } else if (has_command(process, "run-exthandlers")) {
            found.goal_state_handler = process;
        }
    }
    return found;
}

bool agent_started_since(const machine::Machine& machine, std::chrono::system_clock::time_point time) {
    time = std::chrono::floor<std::chrono::seconds>(time);
    if (machine.facts().platform == machine::Platform::windows) {
        const auto processes = agent_processes_of(machine, windows_guest_agent);
        return processes && std::ranges::any_of(*processes, [&](const auto& each) { return each.started >= time; });
    }
    const auto agent = agent_processes(machine);
    const auto is_newer = [&](const auto& process) { return process && process->started >= time; };
    return agent && (is_newer(agent->daemon) || is_newer(agent->goal_state_handler));
}

std::string describe(const machine::Process& process) {
    // Kernel threads have no command line.
    if (process.command_line.empty()) return fmt::format("{} (pid {})", process.name, process.pid);
    return fmt::format("{} (pid {})", fmt::join(process.command_line, " "), process.pid);
}

char process_state(const machine::Machine& machine, const machine::Process& process) {
    const auto text = machine.files().read(fmt::format("/proc/{}/stat", process.pid));
    if (!text) return '\0';
    // "620 (python3) T 1 ...": the name may contain any character.
    const auto end = text->rfind(") ");
    return end == std::string::npos || end + 2 >= text->size() ? '\0' : (*text)[end + 2];
}

std::optional<std::chrono::system_clock::duration> running_time(const machine::Machine& machine,
                                                                const machine::Process& process) {
    if (process.started == std::chrono::system_clock::time_point{}) return std::nullopt;
    return machine.facts().now - process.started;
}

std::vector<std::string> signs_of_agent_at_work() {
    return {"[HEARTBEAT] Agent WALinuxAgent-", "] Target handler state: ", "ProcessExtensionsInGoalState completed",
            "ProcessExtensionsGoalState completed"};
}

std::vector<std::string> signs_of_fetched_goal_state() {
    return {"UpdateGSErrors: 0", "] Target handler state: ", "ProcessExtensionsInGoalState completed",
            "ProcessExtensionsGoalState completed"};
}

}  // namespace remediations
