#include <fmt/format.h>

#include "remediations/changes/changes.hpp"
#include "remediations/knowledge/agent/agent_service.hpp"
#include "remediations/knowledge/configuration/agent_configuration.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::extensions_disabled {

namespace {

constexpr auto key = "Extensions.Enabled";
/// The spelling in the backup documents; the agent does not know this key.
constexpr auto misspelt_key = "Extensions.Enable";

std::vector<Evidence> evidence_in(const AgentConfiguration& configuration) {
    std::vector<Evidence> evidence;
    for (const auto& line : configuration.lines_of(key)) {
        evidence.push_back(
            {fmt::format("{}:{}", configuration.path(), line.number), line.text, "Extensions.Enabled=y"});
    }
    if (evidence.empty()) evidence.push_back({configuration.path(), "Extensions.Enabled is not set", "y, the default"});
    for (const auto& line : configuration.lines_of(misspelt_key)) {
        evidence.push_back({fmt::format("{}:{}", configuration.path(), line.number), line.text,
                            "no such line: the agent does not read Extensions.Enable"});
    }
    return evidence;
}

Finding diagnose(const machine::Machine& machine) {
    const auto& configuration = AgentConfiguration::of(machine);
    if (!configuration) {
        if (configuration.error().kind == machine::ErrorKind::not_found) {
            return Finding::not_applicable("There is no waagent.conf: the Linux guest agent is not installed here.");
        }
        return Finding::unknown("/etc/waagent.conf", configuration.error());
    }
    auto evidence = evidence_in(*configuration);
    if (configuration->is_on(key, true)) {
        return Finding::healthy("The guest agent may run extensions.", std::move(evidence));
    }
    return Finding::broken(
        fmt::format("{} switches extensions off, so the backup extension never runs.", configuration->path()),
        std::move(evidence),
        fmt::format("Set Extensions.Enabled=y in {} and restart the guest agent.", configuration->path()));
}

machine::Result<void> fix(const Finding&, Changes& changes) {
    const auto configuration = AgentConfiguration::read(changes.machine());
    if (!configuration) return configuration.error();
    const auto edited = changes.write_file(configuration->path(), configuration->with_value(key, "y"));
    if (!edited) return edited.error();
    return restart_agent(changes);
}

}  // namespace

Remediation remediation() {
    return {
        .id = "extensions-disabled",
        .title = "The guest agent is told not to run extensions",
        .layer = Layer::guest_agent,
        .scope = Scope::linux,
        .error_codes = {"GuestAgentSnapshotTaskStatusError", "UserErrorGuestAgentStatusUnavailable",
                        "VMAgentStatusCommunicationError"},
        .disruption = Disruption::agent_restart,
        .explanation =
            "Extensions.Enabled=n in waagent.conf makes the agent ignore every extension, and the backup extension "
            "with them; the portal only says that no snapshot status came back. The fix sets the value to y, keeping "
            "comments, order, owner and mode, and restarts the agent.",
        .source = "https://github.com/MicrosoftDocs/azure-docs/issues/42262",
        .signals = {proof(Log::agent, "will not be processed since extension processing is disabled")},
        .diagnose = diagnose,
        .fix = fix,
    };
}

}  // namespace remediations::causes::extensions_disabled
