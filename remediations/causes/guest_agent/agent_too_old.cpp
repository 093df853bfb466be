#include <fmt/format.h>

#include "remediations/knowledge/agent/agent_package.hpp"
#include "remediations/knowledge/agent/agent_processes.hpp"
#include "remediations/knowledge/agent/agent_version.hpp"
#include "remediations/knowledge/agent/windows_agent.hpp"
#include "remediations/knowledge/configuration/extension_folder.hpp"
#include "remediations/knowledge/logs/log_evidence.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::agent_too_old {

namespace {

/// The agent refuses a whole goal state that demands what it does not know: then no extension runs.
constexpr auto unknown_feature = "Unsupported features found";

struct Limits {
    std::string_view recommended;
    std::string_view oldest;
};

Finding judge(const AgentVersion& agent, const Limits& limits, const std::string& advice) {
    std::vector<Evidence> evidence{{agent.where, agent.seen, fmt::format("{} or later", limits.recommended)}};
    if (compare_versions(agent.version, limits.recommended) >= 0) {
        return Finding::healthy(fmt::format("The guest agent has version {}.", agent.version), std::move(evidence));
    }
    const bool never_worked = compare_versions(agent.version, limits.oldest) < 0;
    auto finding = Finding::needs_operator(
        fmt::format("The guest agent has version {}; Azure Backup wants {}{}.", agent.version, limits.recommended,
                    never_worked ? fmt::format(" and never worked below {}", limits.oldest) : ""),
        std::move(evidence), advice);
    finding.is_suspicion = true;
    return never_worked ? finding : std::move(finding).as_risk();
}

Finding diagnose_on_windows(const machine::Machine& machine) {
    const auto agent = windows_agent_version(machine);
    if (agent) {
        return judge(*agent, {recommended_windows_agent_version, oldest_windows_agent_version},
                     windows_agent_install_advice);
    }
    if (agent.error().kind == machine::ErrorKind::not_found) {
        return Finding::not_applicable("Nothing tells the version of a guest agent.");
    }
    return Finding::unknown("version of the guest agent", agent.error());
}

Finding diagnose(const machine::Machine& machine) {
    if (machine.facts().platform == machine::Platform::windows) return diagnose_on_windows(machine);
    if (const auto program = agent_program(machine);
        !program && program.error().kind == machine::ErrorKind::not_found) {
        return Finding::not_applicable("The guest agent is not installed.");
    }
    const auto agent = goal_state_agent_version(machine);
    const auto* line = machine.derived<LogEvidence>().find_current(Log::agent, unknown_feature);
    const auto advice = install_advice(machine) + " Or let this tool do it: fix with only agent-package-update.";
    if (line && !(line->newest.time && agent_started_since(machine, *line->newest.time))) {
        std::vector<Evidence> evidence{line->newest.evidence("an agent that knows what Azure demands")};
        if (agent) evidence.push_back({agent->where, agent->seen, "a newer version"});
        return Finding::needs_operator(
            "The guest agent does not know a feature that Azure demands of it, and runs no extension.",
            std::move(evidence), advice);
    }
    if (!agent) return Finding::unknown("version of the guest agent", agent.error());
    return judge(*agent, {recommended_agent_version, oldest_agent_version}, advice);
}

}  // namespace

Remediation remediation() {
    return {
        .id = "agent-too-old",
        .title = "The guest agent is too old",
        .layer = Layer::guest_agent,
        .scope = Scope::both,
        .error_codes = {"UserErrorGuestAgentVersionUnsupported", "UserErrorGuestAgentStatusUnavailable",
                        "GuestAgentSnapshotTaskStatusError", "ExtensionOperationFailedForManagedDisks",
                        "BackUpOperationFailed", "BackUpOperationFailedV2", "VMRestorePointInternalError",
                        "InternalError"},
        .explanation =
            "Many failures of agent and extension come from old agents. On Linux the version that counts is that of "
            "the goal-state agent, which may have updated itself beside the installed one: below 2.2.53.1 a failure is "
            "likelier, below 2.1.7 backup does not work, and the distribution's own package is the way to a newer one. "
            "On Windows these are 2.7.41491.1010 and 2.6.1198.718, and a newer one comes as an MSI.",
        .source =
            "https://learn.microsoft.com/troubleshoot/azure/virtual-machines/extensions/"
            "support-extensions-agent-version",
        .signals = {judged(Log::agent, lines_with_agent_version[0]), judged(Log::agent, lines_with_agent_version[1]),
                    judged(Log::agent, unknown_feature)},
        .consequences = {"backup-extension-state", "extension-error"},
        .diagnose = diagnose,
    };
}

}  // namespace remediations::causes::agent_too_old
