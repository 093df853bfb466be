#include <fmt/format.h>

#include "remediations/backup_extension/extension_folder.hpp"
#include "remediations/guest_agent/agent_package.hpp"
#include "remediations/guest_agent/agent_version.hpp"
#include "remediations/remediation.hpp"

namespace remediations {

namespace {

Finding diagnose(const machine::Machine& machine) {
    if (const auto program = agent_program(machine);
        !program && program.error().kind == machine::ErrorKind::not_found) {
        return Finding::not_applicable("The guest agent is not installed.");
    }
    const auto agent = goal_state_agent_version(machine);
    if (!agent) return Finding::unknown("version of the guest agent", agent.error());
    std::vector<Evidence> evidence{{agent->where, agent->seen, fmt::format("{} or later", recommended_agent_version)}};
    if (compare_versions(agent->version, recommended_agent_version) >= 0) {
        return Finding::healthy(fmt::format("The guest agent has version {}.", agent->version), std::move(evidence));
    }
    const bool never_worked = compare_versions(agent->version, oldest_agent_version) < 0;
    auto finding = Finding::needs_operator(
        fmt::format("The guest agent has version {}; Azure Backup wants {}{}.", agent->version,
                    recommended_agent_version,
                    never_worked ? fmt::format(" and never worked below {}", oldest_agent_version) : ""),
        std::move(evidence), install_advice(machine) + " Or let this tool do it: fix with only agent-package-update.");
    return never_worked ? finding : std::move(finding).as_risk();
}

}  // namespace

extern const Remediation agent_too_old{
    .id = "agent-too-old",
    .title = "The guest agent is too old",
    .layer = Layer::guest_agent,
    .scope = Scope::linux,
    .error_codes = {"UserErrorGuestAgentVersionUnsupported", "UserErrorGuestAgentStatusUnavailable",
                    "GuestAgentSnapshotTaskStatusError", "ExtensionOperationFailedForManagedDisks",
                    "BackUpOperationFailed", "BackUpOperationFailedV2"},
    .explanation =
        "Most failures of agent and extension on Linux come from old agents. The version that counts is that of the "
        "goal-state agent, which may have updated itself beside the installed one. Below 2.2.53.1 a failure is "
        "likelier, below 2.1.7 backup does not work. The distribution's own package is the way to a newer one.",
    .source =
        "https://learn.microsoft.com/troubleshoot/azure/virtual-machines/extensions/support-extensions-agent-version",
    .log_lines = {{Log::agent, lines_with_agent_version[0]}, {Log::agent, lines_with_agent_version[1]}},
    .diagnose = diagnose,
};

}  // namespace remediations
