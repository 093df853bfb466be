#include <fmt/format.h>

#include <algorithm>
#include <boost/algorithm/string/predicate.hpp>

#include "remediations/changes/changes.hpp"
#include "remediations/formats/duration_text.hpp"
#include "remediations/knowledge/agent/windows_agent.hpp"
#include "remediations/knowledge/logs/log_evidence.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::agent_service_hangs {

using machine::ErrorKind;
using machine::Machine;
using machine::Result;
using machine::Service;
using machine::ServiceState;

namespace {

using Duration = std::chrono::system_clock::duration;

constexpr auto begins_to_stop = "WindowsAzureGuestAgent stopping.";
constexpr auto waits_for_extensions = "WaitForTerminalStateReachedOnEnd";
constexpr auto cannot_stop = "WindowsAzureGuestAgent could not be stopped";

/// The agent first waits for running extensions to end.
constexpr Duration longest_transition = std::chrono::minutes(5);

bool is_between(const Service& service) {
    return service.state == ServiceState::starting || service.state == ServiceState::stopping;
}

std::optional<machine::Process> process_of(const Machine& machine, const WindowsAgentService& agent,
                                           const Service& service) {
    const auto processes = agent_processes_of(machine, agent);
    if (!processes) return std::nullopt;
    const auto found = std::ranges::find(*processes, service.pid, &machine::Process::pid);
    if (found != processes->end()) return *found;
    return service.pid == 0 && processes->size() == 1 ? std::optional(processes->front()) : std::nullopt;
}

/// Returns for how long the service has been starting or stopping, at least; nullopt where that is not known.
std::optional<Duration> time_in_transition(const Machine& machine, const WindowsAgentService& agent,
                                           const Service& service) {
    const auto now = machine.facts().now;
    if (service.state == ServiceState::starting) {
        const auto process = process_of(machine, agent, service);
        if (!process || process->started == std::chrono::system_clock::time_point()) return std::nullopt;
        return now - process->started;
    }
    const auto& logs = machine.derived<LogEvidence>();
    const auto* stop = logs.find(Log::agent, begins_to_stop);
    if (stop && stop->newest.time) return now - *stop->newest.time;
    // Nothing it did since its last line.
    if (const auto newest = logs.newest_line(Log::agent)) return now - *newest;
    return std::nullopt;
}

std::vector<Evidence> log_lines_about_it(const Machine& machine) {
    std::vector<Evidence> evidence;
    for (const auto* text : {begins_to_stop, waits_for_extensions, cannot_stop}) {
        if (const auto* match = machine.derived<LogEvidence>().find_current(Log::agent, text)) {
            evidence.push_back(match->newest.evidence("the service stops within five minutes"));
        }
    }
    return evidence;
}

std::string_view word_for(const Service& service) {
    return service.state == ServiceState::starting ? "start" : "stop";
}

Finding diagnose(const Machine& machine) {
    std::vector<Evidence> passing;
    std::optional<Finding> unknown;
    for (const auto* agent : windows_agent_services) {
        const auto where = fmt::format("service {}", agent->name);
        const auto service = machine.services().find(agent->name);
        if (!service && service.error().kind == ErrorKind::not_found) continue;
        if (!service) {
            unknown = Finding::unknown(where, service.error());
            continue;
        }
        if (!is_between(*service)) continue;
        const auto since = time_in_transition(machine, *agent, *service);
        if (!since) {
            unknown = Finding::unknown(
                where,
                machine::Error::timed_out(fmt::format(
                    "it is about to {}; since when is not known. Look again in five minutes.", word_for(*service))));
            continue;
        }
        Evidence evidence{where, fmt::format("{} for {}", to_string(service->state), duration_text(*since)),
                          "running or stopped"};
        if (*since < longest_transition) {
            passing.push_back(std::move(evidence));
            continue;
        }
        std::vector<Evidence> all{std::move(evidence)};
        for (auto& line : log_lines_about_it(machine)) all.push_back(std::move(line));
        auto finding = Finding::broken(
            fmt::format("{} has been trying to {} for {} and will not come to an end.", agent->name, word_for(*service),
                        duration_text(*since)),
            std::move(all),
            fmt::format("See that RdAgent runs, end {} in the task manager, and start service {} again.",
                        agent->program, agent->name));
        finding.subjects = {agent->name};
        return finding;
    }
    if (unknown) return *unknown;
    if (!passing.empty()) {
        return Finding::healthy("A service of the guest agent starts or stops just now.", std::move(passing));
    }
    return Finding::healthy("No service of the guest agent hangs.");
}

/// Waits until the service manager has noticed that the process is gone.
Result<void> wait_until_stopped(const Changes& changes, const std::string& name) {
    for (int look = 0; look < 50 && !changes.is_plan(); ++look) {
        const auto service = changes.machine().services().find(name);
        if (!service) return service.error();
        if (!is_between(*service) || !changes.machine().wait(std::chrono::milliseconds(200))) return {};
    }
    return {};
}

Result<void> fix(const Finding& finding, Changes& changes) {
    const auto& name = finding.subjects.front();
    const auto agent = std::ranges::find_if(windows_agent_services,
                                            [&](const auto* known) { return boost::iequals(known->name, name); });
    const auto service = changes.machine().services().find(name);
    if (!service) return service.error();
    if (name != rd_agent.name) {
        const auto other = changes.machine().services().find(rd_agent.name);
        const bool can_start = other && !is_between(*other) && other->start != machine::StartType::disabled;
        if (can_start) {
            if (auto started = changes.start_service(rd_agent.name); !started) return started;
        }
    }
    if (const auto process = process_of(changes.machine(), **agent, *service)) {
        if (auto ended = changes.end_process(*process); !ended) return ended;
    }
    if (auto stopped = wait_until_stopped(changes, name); !stopped) return stopped;
    return changes.start_service(name);
}

}  // namespace

Remediation remediation() {
    return {
        .id = "agent-service-hangs",
        .title = "A service of the Windows guest agent hangs while it starts or stops",
        .layer = Layer::guest_agent,
        .scope = Scope::windows,
        .error_codes = {"UserErrorGuestAgentStatusUnavailable", "GuestAgentSnapshotTaskStatusError",
                        "GuestAgentSnapshotTaskStatusErrorWin", "VMAgentStatusCommunicationError",
                        "ExtensionStuckInDeletionState"},
        .disruption = Disruption::agent_restart,
        .explanation =
            "When it is told to stop, the agent waits for extensions that run; a fault in that wait keeps the service "
            "in \"stopping\" for ever, where it can neither be used nor started. The fix sees that RdAgent runs, ends "
            "the one process of the service that hangs, and starts the service.",
        .source = "https://learn.microsoft.com/troubleshoot/azure/virtual-machines/windows/windows-azure-guest-agent",
        .signals = {judged(Log::agent, begins_to_stop),
                    judged(Log::agent, waits_for_extensions),
                    {.role = Role::proof,
                     .line = {Log::agent, cannot_stop},
                     .revoked_by = signs_of_windows_agent_at_work(),
                     .heals_unsaid = true}},
        .consequences = {"agent-hung", "agent-not-running", "backup-extension-state"},
        .diagnose = diagnose,
        .fix = fix,
    };
}

}  // namespace remediations::causes::agent_service_hangs
