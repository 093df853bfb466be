#include <fmt/format.h>

#include "remediations/changes/changes.hpp"
#include "remediations/knowledge/agent/agent_service.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::agent_restart_policy {

namespace {

/// The status that systemd shows for a program that SIGTERM ended, which is how it stops a service.
constexpr std::uint32_t terminated = 15;

Finding diagnose(const machine::Machine& machine) {
    const auto& service = agent_service_of(machine);
    if (!service && service.error().kind == machine::ErrorKind::not_found) {
        return Finding::not_applicable("The service manager knows no guest agent.");
    }
    if (!service) return Finding::unknown("service walinuxagent or waagent", service.error());
    const auto place = "service " + service->name;
    if (service->restarts) {
        return Finding::healthy("The guest agent is started again when it ends.", {{place, "Restart= is set", ""}});
    }
    std::vector<Evidence> evidence{{place, "Restart= is not set", "Restart=always"}};
    const bool ended_by_request = service->exit_code == 0 || service->exit_code == terminated;
    const bool has_crashed = service->state == machine::ServiceState::failed || !ended_by_request;
    if (!has_crashed) {
        // Debian's default. An agent that does not crash needs no restart.
        return Finding::healthy("The guest agent is not started again when it crashes; it has not crashed.",
                                std::move(evidence));
    }
    evidence.push_back(
        {place, fmt::format("{}, its last run ended with exit code {}", to_string(service->state), service->exit_code),
         "running"});
    auto finding =
        Finding::broken("The guest agent crashed, and its service is not set to start it again.", std::move(evidence),
                        fmt::format("Add Restart=always to {}: systemctl edit {}", service->name, service->name));
    finding.subjects = {service->name};
    return std::move(finding).as_risk();
}

machine::Result<void> fix(const Finding& finding, Changes& changes) {
    return changes.set_service_restarts(finding.subjects.front(), true);
}

}  // namespace

Remediation remediation() {
    return {
        .id = "agent-restart-policy",
        .title = "The guest agent is not started again after a crash",
        .layer = Layer::guest_agent,
        .scope = Scope::linux,
        .error_codes = {"UserErrorGuestAgentStatusUnavailable"},
        .disruption = Disruption::none,
        .explanation =
            "Some distributions ship the agent's unit without Restart=, so a crash ends all backups until somebody "
            "starts it. The fix adds a drop-in with Restart=always; the unit itself stays as it is.",
        .source = "https://learn.microsoft.com/azure/backup/backup-azure-troubleshoot-vm-backup-fails-snapshot-timeout",
        .diagnose = diagnose,
        .fix = fix,
    };
}

}  // namespace remediations::causes::agent_restart_policy
