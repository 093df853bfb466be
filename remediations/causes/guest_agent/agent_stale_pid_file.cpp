#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <boost/algorithm/string/trim.hpp>
#include <charconv>

#include "remediations/changes/changes.hpp"
#include "remediations/knowledge/agent/agent_processes.hpp"
#include "remediations/knowledge/agent/agent_service.hpp"
#include "remediations/knowledge/configuration/agent_configuration.hpp"
#include "remediations/knowledge/logs/log_evidence.hpp"
#include "remediations/machine/process_list.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::agent_stale_pid_file {

using machine::Machine;
using machine::Path;

namespace {

constexpr auto daemon_line = "Daemon is already running: ";
constexpr auto orphan_line = " waiting for orphan process ";

/// The agent waits 15 minutes for an orphan, and logs that every 3 seconds.
constexpr std::uint64_t lines_of_a_whole_wait = 300;
constexpr auto fresh = std::chrono::minutes(10);

/// Returns the newest line of an agent that waited for orphans longer than it should.
const LogMatch* endless_wait(const Machine& machine) {
    const auto* match = machine.derived<LogEvidence>().find(Log::agent, orphan_line);
    return match && match->count > lines_of_a_whole_wait && match->newest.time ? match : nullptr;
}

bool still_waits(const Machine& machine, const AgentProcesses& agent, const LogMatch& wait) {
    const auto time = *wait.newest.time;
    const bool started_since = agent.goal_state_handler && agent.goal_state_handler->started >= time;
    return machine.facts().now - time < fresh && !started_since;
}

std::optional<std::uint32_t> pid_in(std::string text) {
    boost::algorithm::trim(text);
    std::uint32_t pid = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), pid);
    if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return std::nullopt;
    return pid;
}

/// The PID file of the daemon, and beside it those of goal-state agents: <n>_waagent.pid.
struct PidFiles {
    Path daemon;
    std::vector<Path> handlers;
};

PidFiles pid_files(const Machine& machine) {
    constexpr auto usual = "/var/run/waagent.pid";
    const auto& configuration = AgentConfiguration::of(machine);
    PidFiles files{.daemon = configuration ? configuration->text_of("Pid.File", usual) : usual, .handlers = {}};
    const auto slash = files.daemon.find_last_of('/');
    if (slash == Path::npos) return files;
    const auto folder = files.daemon.substr(0, slash);
    const auto ending = "_" + files.daemon.substr(slash + 1);
    if (const auto names = machine.files().list(folder)) {
        for (const auto& name : *names) {
            const bool numbered = name.ends_with(ending) && name.size() > ending.size() &&
                                  name.find_first_not_of("0123456789") == name.size() - ending.size();
            if (numbered) files.handlers.push_back(folder + "/" + name);
        }
    }
    return files;
}

/// Returns the live process that a PID file names, if it is not the agent's: then the file is older than that process.
std::optional<machine::Process> stranger_in(const Machine& machine, const Path& file,
                                            const std::vector<machine::Process>& processes,
                                            const AgentProcesses& agent) {
    const auto text = machine.files().read(file, 64);
    const auto pid = text ? pid_in(*text) : std::nullopt;
    if (!pid) return std::nullopt;
    const bool is_agent = (agent.daemon && agent.daemon->pid == *pid) ||
                          (agent.goal_state_handler && agent.goal_state_handler->pid == *pid);
    const auto process = std::ranges::find(processes, *pid, &machine::Process::pid);
    if (is_agent || process == processes.end()) return std::nullopt;
    // More than one agent of its kind, an old one that has not ended, is no stranger.
    const auto is_waagent = [](const std::string& argument) {
        return argument.find("waagent") != std::string::npos || argument.find("WALinuxAgent") != std::string::npos;
    };
    if (std::ranges::any_of(process->command_line, is_waagent)) return std::nullopt;
    return *process;
}

Finding diagnose(const Machine& machine) {
    const auto& processes = machine.derived<machine::ProcessList>().processes();
    if (!processes) return Finding::unknown("the list of processes", processes.error());
    const auto agent = agent_processes(machine);
    if (!agent) return Finding::unknown("the list of processes", agent.error());
    const auto files = pid_files(machine);
    std::vector<Evidence> evidence;
    std::vector<std::string> subjects;
    bool holds_up = false;
    const auto look = [&](const Path& file, const char* log_line) {
        const auto stranger = stranger_in(machine, file, *processes, *agent);
        if (!stranger) return;
        // A running agent has looked at its pid files already: what lies there now waits for its next start.
        const auto* told = machine.derived<LogEvidence>().find(Log::agent, log_line);
        const bool told_now = told && told->newest.time && machine.facts().now - *told->newest.time < fresh;
        if (!agent->daemon || told_now) holds_up = true;
        subjects.push_back(file);
        evidence.push_back({file, fmt::format("{0}, which is {1} (pid {0})", stranger->pid, stranger->name),
                            "the agent's own process, or none"});
        if (const auto* line = machine.derived<LogEvidence>().find_current(Log::agent, log_line)) {
            evidence.push_back(line->newest.evidence(""));
        }
    };
    if (!agent->daemon) look(files.daemon, daemon_line);
    for (const auto& file : files.handlers) look(file, orphan_line);
    const auto* wait = endless_wait(machine);
    if (wait) {
        evidence.push_back(wait->newest.evidence(
            fmt::format("not more than {} such lines; there are {}", lines_of_a_whole_wait, wait->count)));
    }
    if (wait && subjects.empty() && still_waits(machine, *agent, *wait)) {
        evidence.push_back({files.daemon, "looked at", ""});
        return Finding::broken("The guest agent has been waiting for the end of an older one for too long.",
                               std::move(evidence), "Restart the guest agent, which ends both.");
    }
    if (subjects.empty()) {
        evidence.push_back({files.daemon, "looked at", ""});
        return Finding::healthy("No pid file of the guest agent names a process of somebody else.",
                                std::move(evidence));
    }
    auto finding = Finding::broken(
        !agent->daemon ? "The guest agent does not start, because it takes another process for itself."
        : holds_up     ? "The guest agent waits for the end of a process that is none of its own."
                   : "At its next start the guest agent will wait for the end of a process that is none of its own.",
        std::move(evidence), fmt::format("Remove {} and restart the guest agent.", fmt::join(subjects, " and ")));
    finding.subjects = std::move(subjects);
    return holds_up ? finding : std::move(finding).as_risk();
}

machine::Result<void> fix(const Finding& finding, Changes& changes) {
    for (const auto& file : finding.subjects) {
        if (auto moved = changes.quarantine(file); !moved) return moved;
    }
    return restart_agent(changes);
}

}  // namespace

Remediation remediation() {
    return {
        .id = "agent-stale-pid-file",
        .title = "A stale pid file keeps the guest agent from working",
        .layer = Layer::guest_agent,
        .scope = Scope::linux,
        .error_codes = {"UserErrorGuestAgentStatusUnavailable", "GuestAgentSnapshotTaskStatusError"},
        .disruption = Disruption::agent_restart,
        .explanation =
            "The agent believes its pid files (/var/run/waagent.pid and <n>_waagent.pid) without looking whose number "
            "it is. Where one survived and its number was given to another program, the daemon says that it already "
            "runs and ends, or the goal-state agent waits for that program's end and finally kills it. The fix moves "
            "the file away and restarts the agent.",
        .source = "https://github.com/Azure/WALinuxAgent/issues/872",
        .signals = {judged(Log::agent, orphan_line),
                    {.role = Role::proof,
                     .line = {Log::agent, "forcibly terminated orphan process"},
                     .revoked_by = signs_of_agent_at_work()},
                    {.role = Role::proof,
                     .line = {Log::agent, "Exception occurred waiting for orphan agent"},
                     .revoked_by = signs_of_agent_at_work()},
                    {.role = Role::proof, .line = {Log::agent, daemon_line}, .revoked_by = signs_of_agent_at_work()}},
        .consequences = {"agent-not-running", "agent-crash-looping", "agent-hung", "backup-extension-state"},
        .diagnose = diagnose,
        .fix = fix,
    };
}

}  // namespace remediations::causes::agent_stale_pid_file
