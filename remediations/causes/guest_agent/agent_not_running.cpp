#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "remediations/changes/changes.hpp"
#include "remediations/knowledge/agent/agent_package.hpp"
#include "remediations/knowledge/agent/agent_processes.hpp"
#include "remediations/knowledge/agent/agent_service.hpp"
#include "remediations/knowledge/agent/agent_version.hpp"
#include "remediations/knowledge/agent/windows_agent.hpp"
#include "remediations/knowledge/windows/service_findings.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::agent_not_running {

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

bool is_installed_on_windows(const std::vector<Result<Service>>& services) {
    return std::ranges::any_of(services, [](const auto& service) { return service.has_value(); });
}

/// Returns the fault of one of the two services; empty where it runs and will run after the next boot.
std::string fault_on_windows(const Service& service) {
    if (service.start == StartType::disabled) return "disabled";
    if (service.state == ServiceState::stopped || service.state == ServiceState::failed) return "stopped";
    return {};
}

/// agent-not-installed diagnoses a missing service, agent-service-hangs one that hangs.
Finding diagnose_on_windows(const Machine& machine) {
    std::vector<Result<Service>> services;
    for (const auto* agent : windows_agent_services) {
        auto service = machine.services().find(agent->name);
        if (!service && service.error().kind != ErrorKind::not_found) {
            return Finding::unknown(fmt::format("service {}", agent->name), service.error());
        }
        services.push_back(std::move(service));
    }
    if (!is_installed_on_windows(services)) return Finding::not_applicable("The guest agent is not installed.");

    std::vector<Evidence> evidence;
    std::vector<std::string> faults;
    std::vector<std::string> stopped;
    std::vector<std::string> by_hand;
    for (std::size_t index = 0; index < services.size(); ++index) {
        if (!services[index]) continue;
        const std::string name = windows_agent_services[index]->name;
        const auto& service = *services[index];
        evidence.push_back(
            {"service " + name,
             fmt::format("{}, start type {}{}", to_string(service.state), to_string(service.start),
                         service.exit_code == 0 || service.exit_code == machine::error_service_never_started
                             ? ""
                             : fmt::format(", exit code {}", service.exit_code)),
             "running, start type automatic"});
        if (const auto fault = fault_on_windows(service); !fault.empty()) {
            faults.push_back(fmt::format("{} is {}", name, fault));
            stopped.push_back(name);
        } else if (service.start == StartType::manual) {
            by_hand.push_back(name);
        }
    }
    if (!faults.empty()) {
        auto finding = Finding::broken(
            fmt::format("The guest agent does not work: {}.", fmt::join(faults, " and ")), std::move(evidence),
            fmt::format("Set the start type of {} to automatic and start {} in services.msc.",
                        fmt::join(stopped, " and "), stopped.size() == 1 ? "it" : "them"));
        finding.subjects = std::move(stopped);
        return finding;
    }
    if (!by_hand.empty()) {
        auto finding = Finding::broken(
            fmt::format("The guest agent runs, but {} will not start with Windows.", fmt::join(by_hand, " and ")),
            std::move(evidence), fmt::format("Set the start type of {} to automatic.", fmt::join(by_hand, " and ")));
        finding.subjects = std::move(by_hand);
        return std::move(finding).as_risk();
    }
    return Finding::healthy("The guest agent's services run and start with Windows.", std::move(evidence));
}

Finding diagnose(const Machine& machine) {
    if (machine.facts().platform == machine::Platform::windows) return diagnose_on_windows(machine);
    const auto processes = agent_processes(machine);
    if (!processes) return Finding::unknown("the list of processes", processes.error());
    const auto& service = agent_service_of(machine);
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

Result<void> fix(const Finding& finding, Changes& changes) {
    for (const auto& name : finding.subjects) {
        if (auto enabled = changes.set_service_start(name, StartType::automatic); !enabled) return enabled;
        if (auto started = changes.start_service(name); !started) return started;
    }
    return see_that_agent_stays(changes, finding.subjects.back());
}

std::vector<Signal> proofs() {
    std::vector<Signal> all;
    for (const auto* agent : windows_agent_services) {
        const auto events = service_start_failures(agent->name);
        all.insert(all.end(), events.begin(), events.end());
    }
    return all;
}

}  // namespace

Remediation remediation() {
    return {
        .id = "agent-not-running",
        .title = "The guest agent does not run",
        .layer = Layer::guest_agent,
        .scope = Scope::both,
        .error_codes = {"UserErrorGuestAgentStatusUnavailable", "GuestAgentSnapshotTaskStatusError",
                        "GuestAgentSnapshotTaskStatusErrorLin", "GuestAgentSnapshotTaskStatusErrorWin",
                        "VMAgentStatusCommunicationError", "UserErrorVmNotInDesirableState",
                        "VMRestorePointInternalError", "InternalError"},
        .disruption = Disruption::agent_restart,
        .explanation =
            "The agent's service (walinuxagent on Debian and Ubuntu, waagent elsewhere; RdAgent and "
            "WindowsAzureGuestAgent on Windows) is stopped, has failed, or is disabled or masked, so no extension runs "
            "and no snapshot is taken. The fix unmasks, enables and starts it, and looks whether it stays.",
        .source = "https://learn.microsoft.com/azure/backup/backup-azure-troubleshoot-vm-backup-fails-snapshot-timeout",
        .signals = proofs(),
        .consequences = {"agent-hung", "agent-crash-looping", "backup-extension-state"},
        .diagnose = diagnose,
        .fix = fix,
    };
}

}  // namespace remediations::causes::agent_not_running
