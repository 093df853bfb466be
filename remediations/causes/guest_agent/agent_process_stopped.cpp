#include <fmt/format.h>

#include "remediations/changes/changes.hpp"
#include "remediations/knowledge/agent/agent_processes.hpp"
#include "remediations/knowledge/agent/agent_service.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::agent_process_stopped {

using machine::Machine;

namespace {

Finding diagnose(const Machine& machine) {
    const auto processes = agent_processes(machine);
    if (!processes) return Finding::unknown("the list of processes", processes.error());
    if (!processes->any()) return Finding::not_applicable("The guest agent does not run.");
    std::vector<Evidence> evidence;
    bool is_stopped = false;
    bool is_traced = false;
    for (const auto* process : {&processes->daemon, &processes->goal_state_handler}) {
        if (!*process) continue;
        const char state = process_state(machine, **process);
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

machine::Result<void> fix(const Finding&, Changes& changes) {
    return replace_running_agent(changes);
}

}  // namespace

Remediation remediation() {
    return {
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
}

}  // namespace remediations::causes::agent_process_stopped
