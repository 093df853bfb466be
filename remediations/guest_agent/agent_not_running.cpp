#include <fmt/format.h>

#include <thread>

#include "remediations/changes.hpp"
#include "remediations/guest_agent/agent_package.hpp"
#include "remediations/guest_agent/agent_processes.hpp"
#include "remediations/guest_agent/agent_service.hpp"
#include "remediations/guest_agent/agent_version.hpp"
#include "remediations/remediation.hpp"

namespace remediations {

using machine::ErrorKind;
using machine::Machine;
using machine::Result;
using machine::Service;
using machine::ServiceState;
using machine::StartType;

namespace {

std::string_view start_word(StartType start) {
    switch (start) {
        case StartType::automatic:
            return "enabled";
        case StartType::manual:
            return "disabled";
        case StartType::disabled:
            return "masked";
    }
    return "unknown";
}

bool runs(const Service& service) {
    return service.state == ServiceState::running || service.state == ServiceState::starting;
}

Finding without_service(const Machine& machine, const AgentProcesses& processes) {
    if (processes.daemon) {
        return Finding::healthy("The guest agent runs, though the service manager does not know it.",
                                {{"process", describe(*processes.daemon), ""}});
    }
    const auto program = agent_program(machine);
    if (!program) return Finding::not_applicable("The guest agent is not installed.");
    return Finding::needs_operator(
        "The guest agent is installed, but has no service that would start it.",
        {{*program, "exists", ""}, {"service walinuxagent or waagent", "missing", "installed, enabled and running"}},
        "Install the agent's package again, which brings its service. " + install_advice(machine));
}

Finding diagnose(const Machine& machine) {
    const auto processes = agent_processes(machine);
    if (!processes) return Finding::unknown("the list of processes", processes.error());
    const auto service = find_agent_service(machine);
    if (!service && service.error().kind == ErrorKind::not_found) return without_service(machine, *processes);
    if (!service) return Finding::unknown("service walinuxagent or waagent", service.error());

    const auto place = "service " + service->name;
    std::vector<Evidence> evidence{
        {place, fmt::format("{}, {}", to_string(service->state), start_word(service->start)), "running, enabled"}};
    if (service->exit_code != 0) {
        evidence.push_back({place, fmt::format("its last run ended with exit code {}", service->exit_code), "0"});
    }
    const auto act = [&](Finding finding) {
        finding.subjects = {service->name};
        return finding;
    };
    if (!runs(*service) && !processes->daemon) {
        if (const auto line = decisive_line(newest_journal_lines(machine, service->name)); !line.empty()) {
            evidence.push_back({"journal of " + service->name, line, ""});
        }
        return act(Finding::broken(
            fmt::format("The guest agent does not run: its service is {} and {}.", to_string(service->state),
                        start_word(service->start)),
            std::move(evidence),
            fmt::format(
                "Enable and start it: {}systemctl enable --now {} (without systemd: service {} start)",
                service->start == StartType::disabled ? fmt::format("systemctl unmask {}; ", service->name) : "",
                service->name, service->name)));
    }
    if (service->start != StartType::automatic) {
        return act(Finding::broken(
                       fmt::format("The guest agent runs, but its service is {}: it will not run after the next boot.",
                                   start_word(service->start)),
                       std::move(evidence), fmt::format("Enable it: systemctl enable {}", service->name)))
            .as_risk();
    }
    return Finding::healthy("The guest agent's service runs and is enabled.", std::move(evidence));
}

/// An agent that Python cannot run ends within a second of its start.
Result<void> see_that_it_stays(const Changes& changes, const std::string& name) {
    for (int look = 0; look < 5 && !changes.is_plan(); ++look) {
        std::this_thread::sleep_for(std::chrono::milliseconds(200));
        const auto service = changes.machine().services().find(name);
        if (!service) return service.error();
        if (runs(*service)) continue;
        return machine::Error{
            ErrorKind::failed,
            fmt::format("{} ended at once: {}", name, decisive_line(newest_journal_lines(changes.machine(), name))), 0};
    }
    return {};
}

Result<void> fix(const Finding& finding, Changes& changes) {
    const auto& name = finding.subjects.front();
    if (auto enabled = changes.set_service_start(name, StartType::automatic); !enabled) return enabled;
    if (auto started = changes.start_service(name); !started) return started;
    return see_that_it_stays(changes, name);
}

}  // namespace

extern const Remediation agent_not_running{
    .id = "agent-not-running",
    .title = "The guest agent does not run",
    .layer = Layer::guest_agent,
    .scope = Scope::linux,
    .error_codes = {"UserErrorGuestAgentStatusUnavailable", "GuestAgentSnapshotTaskStatusError",
                    "GuestAgentSnapshotTaskStatusErrorLin", "VMAgentStatusCommunicationError",
                    "UserErrorVmNotInDesirableState"},
    .disruption = Disruption::agent_restart,
    .explanation =
        "The agent's service (walinuxagent on Debian and Ubuntu, waagent elsewhere) is stopped, has failed, or is "
        "disabled or masked, so no extension runs and no snapshot is taken. The fix unmasks, enables and starts it, "
        "and looks whether it stays.",
    .source = "https://learn.microsoft.com/azure/backup/backup-azure-troubleshoot-vm-backup-fails-snapshot-timeout",
    .consequences = {"agent-hung", "agent-crash-looping", "backup-extension-state"},
    .diagnose = diagnose,
    .fix = fix,
};

}  // namespace remediations
