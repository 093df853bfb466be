#include <fmt/format.h>

#include "remediations/changes/changes.hpp"
#include "remediations/knowledge/agent/agent_processes.hpp"
#include "remediations/knowledge/agent/agent_service.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::agent_process_stopped {

using machine::Machine;

namespace {

/// Returns the state in /proc/<pid>/stat, "620 (python3) T 1 ...". It follows the last ")", because the name may
/// contain any character. '\0' where it cannot be read.
char state_of(const Machine& machine, const machine::Process& process) {
    const auto text = machine.files().read(fmt::format("/proc/{}/stat", process.pid));
    if (!text) return '\0';
    const auto end = text->rfind(") ");
    return end == std::string::npos || end + 2 >= text->size() ? '\0' : (*text)[end + 2];
}

Finding diagnose(const Machine& machine) {
    const auto processes = agent_processes(machine);
    if (!processes) return Finding::unknown("the list of processes", processes.error());
    if (!processes->any()) return Finding::not_applicable("The guest agent does not run.");
    std::vector<Evidence> evidence;
    bool is_stopped = false;
    bool is_traced = false;
    for (const auto* process : {&processes->daemon, &processes->goal_state_handler}) {
        if (!*process) continue;
        const char state = state_of(machine, **process);
        if (state != 'T' && state != 't') continue;
        is_stopped = is_stopped || state == 'T';
        is_traced = is_traced || state == 't';
        evidence.push_back({fmt::format("/proc/{}/stat: {}", (*process)->pid, describe(**process)),
                            fmt::format("state {} ({})", state, state == 'T' ? "stopped by a signal" : "traced"),
                            "R or S"});
    }
    if (is_traced && !is_stopped) {
        return Finding::needs_operator("A debugger holds the guest agent's process, which does nothing meanwhile.",
                                       std::move(evidence),
                                       "End the debugger (see TracerPid in /proc/PID/status), or restart the agent.");
    }
    if (!is_stopped) return Finding::healthy("The guest agent's processes are not stopped.");
    return Finding::broken("A signal (SIGSTOP) has stopped the guest agent's process: it runs, but does nothing.",
                           std::move(evidence),
                           "Restart the guest agent, or let it go on: kill -CONT PID. Find out who stopped it.");
}

/// A stopped process gets no request to end: the service manager's reaches the daemon alone (KillMode=process), and the
/// new daemon would wait for the old one's child. Nothing is lost, because neither does anything.
machine::Result<void> fix(const Finding&, Changes& changes) {
    const auto processes = agent_processes(changes.machine());
    if (!processes) return processes.error();
    for (const auto* process : {&processes->goal_state_handler, &processes->daemon}) {
        if (!*process || state_of(changes.machine(), **process) != 'T') continue;
        if (auto ended = changes.end_process(**process); !ended) return ended;
    }
    return restart_agent(changes);
}

}  // namespace

extern const Remediation remediation{
    .id = "agent-process-stopped",
    .title = "The guest agent's process is stopped",
    .layer = Layer::guest_agent,
    .scope = Scope::linux,
    .error_codes = {"UserErrorGuestAgentStatusUnavailable", "GuestAgentSnapshotTaskStatusError",
                    "VMAgentStatusCommunicationError"},
    .disruption = Disruption::agent_restart,
    .explanation =
        "A process that got SIGSTOP, from a person, a script or a tool that froze it for a dump, is there and its "
        "service counts as running, but it does nothing until SIGCONT. The fix ends it and restarts the agent.",
    .source = "https://man7.org/linux/man-pages/man7/signal.7.html",
    .consequences = {"agent-hung", "agent-status-not-reported", "backup-extension-state", "agent-crash-looping"},
    .diagnose = diagnose,
    .fix = fix,
};

}  // namespace remediations::causes::agent_process_stopped
