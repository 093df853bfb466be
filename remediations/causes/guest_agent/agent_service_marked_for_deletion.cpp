#include <fmt/format.h>
#include <fmt/ranges.h>

#include "remediations/knowledge/agent/windows_agent.hpp"
#include "remediations/knowledge/windows/registry_values.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::agent_service_marked_for_deletion {

namespace {

constexpr auto services_key = R"(HKLM\SYSTEM\CurrentControlSet\Services)";
constexpr auto flag_name = "DeleteFlag";

Finding diagnose(const machine::Machine& machine) {
    std::vector<Evidence> evidence;
    std::vector<std::string> marked;
    for (const auto* agent : windows_agent_services) {
        const auto key = fmt::format("{}\\{}", services_key, agent->name);
        const auto where = fmt::format("{}\\{}", key, flag_name);
        const auto flag = registry_number(machine, key, flag_name);
        if (!flag) return Finding::unknown(where, flag.error());
        if (flag->value_or(0) == 0) continue;
        evidence.push_back({where, std::to_string(**flag), "no such value"});
        marked.emplace_back(agent->name);
    }
    if (marked.empty()) return Finding::healthy("No service of the guest agent is marked for deletion.");
    return Finding::needs_operator(
        fmt::format("Windows has marked {} of the guest agent for deletion.", fmt::join(marked, " and ")),
        std::move(evidence),
        fmt::format("Restart Windows, which completes the deletion; until then the services can be neither enabled nor "
                    "installed (error 1072). {}",
                    windows_agent_install_advice));
}

/// Starting such a service fails with ERROR_SERVICE_MARKED_FOR_DELETE.
std::vector<Signal> proofs() {
    std::vector<Signal> all;
    for (const auto* agent : windows_agent_services) {
        all.push_back({.role = Role::proof,
                       .event = {"System", "Service Control Manager", {7000}},
                       .service = agent->name,
                       .with = {"1072"}});
    }
    return all;
}

}  // namespace

Remediation remediation() {
    return {
        .id = "agent-service-marked-for-deletion",
        .title = "A service of the guest agent is marked for deletion",
        .layer = Layer::guest_agent,
        .scope = Scope::windows,
        .error_codes = {"UserErrorGuestAgentStatusUnavailable", "VMAgentStatusCommunicationError",
                        "GuestAgentSnapshotTaskStatusError"},
        .explanation =
            "A service that is deleted while a program holds it open stays, disabled, with a DeleteFlag in its key, "
            "until Windows restarts. It cannot be enabled, started or installed again before (error 1072). It happens "
            "when the agent is reinstalled while services.msc or another tool shows its services.",
        .source = "https://github.com/MicrosoftDocs/SupportArticles-docs/issues/628",
        .signals = proofs(),
        .consequences = {"agent-not-installed", "agent-not-running", "agent-service-hangs", "agent-program-missing",
                         "agent-status-not-reported", "backup-extension-state"},
        .diagnose = diagnose,
    };
}

}  // namespace remediations::causes::agent_service_marked_for_deletion
