#include "remediations/knowledge/agent/goal_state_failures.hpp"

#include <algorithm>

#include "remediations/knowledge/agent/agent_processes.hpp"
#include "remediations/knowledge/logs/heartbeat.hpp"

namespace remediations {

namespace {

/// Texts of agents since 2.2. The error itself contains the address, whatever text is around it.
constexpr const char* failing_lines[] = {"Error fetching the goal state",
                                         "Fetching the goal state is still failing",
                                         "while retrieving the goal state",
                                         "Exception retrieving extension handlers",
                                         "Error fetching goal state",
                                         "GET vmSettings [",
                                         "comp=goalstate"};
constexpr auto recovered_line = "Fetching the goal state recovered from previous errors";
constexpr auto heartbeat_line = "[HEARTBEAT] Agent WALinuxAgent-";

/// An agent that keeps failing logs it every six hours.
constexpr auto longest_silence = std::chrono::hours(7);
/// An agent that was just started logs it within minutes.
constexpr auto time_to_say_it = std::chrono::minutes(10);

/// A line that only names an address is a failure if it also names an error.
bool tells_of_failure(const LogLine& line) {
    // A line of the agent's source in a traceback says nothing.
    if (line.text.find("{0}") != std::string::npos) return false;
    constexpr std::string_view errors[] = {"rror", "failed", "Failed", "Status Code", "xception"};
    return std::ranges::any_of(errors, [&](auto word) { return line.text.find(word) != std::string::npos; });
}

}  // namespace

bool is_later(const LogLine& line, const LogLine& other) {
    if (line.file == other.file && line.number != 0 && other.number != 0) return line.number > other.number;
    return line.time && other.time && *line.time > *other.time;
}

std::optional<FailingFetch> failing_fetch(const machine::Machine& machine) {
    const auto& logs = machine.derived<LogEvidence>();
    std::optional<FailingFetch> newest;
    for (const auto* text : failing_lines) {
        const auto* match = logs.find_current(Log::agent, text);
        if (!match || !tells_of_failure(match->newest)) continue;
        if (!newest) newest = FailingFetch{match->newest, 0};
        newest->count += match->count;
        if (is_later(match->newest, newest->line)) newest->line = match->newest;
    }
    if (!newest) return std::nullopt;
    auto signs = signs_of_fetched_goal_state();
    signs.emplace_back(recovered_line);
    for (const auto& sign : signs) {
        const auto* match = logs.find(Log::agent, sign);
        if (match && is_later(match->newest, newest->line)) return std::nullopt;
    }
    if (!newest->line.time) return newest;
    const auto* heartbeat = logs.find(Log::agent, heartbeat_line);
    if (heartbeat && heartbeat->newest.time && is_later(heartbeat->newest, newest->line)) {
        const auto gets_them = gets_goal_states(heartbeat->newest.text, *heartbeat->newest.time - *newest->line.time);
        if (gets_them) return *gets_them ? std::nullopt : newest;
    }
    const auto now = machine.facts().now;
    if (now - *newest->line.time > longest_silence) return std::nullopt;
    const auto processes = agent_processes(machine);
    const auto* handler = processes && processes->goal_state_handler ? &*processes->goal_state_handler : nullptr;
    const bool started_since = handler && handler->started > *newest->line.time;
    return started_since && now - handler->started > time_to_say_it ? std::nullopt : newest;
}

std::vector<LogPattern> failing_fetch_lines() {
    std::vector<LogPattern> lines{{Log::agent, recovered_line}, {Log::agent, heartbeat_line}};
    for (const auto* text : failing_lines) lines.push_back({Log::agent, text});
    for (const auto& sign : signs_of_fetched_goal_state()) lines.push_back({Log::agent, sign});
    return lines;
}

}  // namespace remediations
