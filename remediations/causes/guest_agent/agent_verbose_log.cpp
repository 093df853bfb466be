#include <fmt/format.h>

#include "remediations/changes/changes.hpp"
#include "remediations/knowledge/agent/agent_service.hpp"
#include "remediations/knowledge/configuration/agent_configuration.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::agent_verbose_log {

namespace {

constexpr auto key = "Logs.Verbose";

Finding diagnose(const machine::Machine& machine) {
    const auto& configuration = AgentConfiguration::of(machine);
    if (!configuration && configuration.error().kind == machine::ErrorKind::not_found) {
        return Finding::not_applicable("There is no waagent.conf: the Linux guest agent is not installed here.");
    }
    if (!configuration) return Finding::unknown("/etc/waagent.conf", configuration.error());
    std::vector<Evidence> evidence;
    for (const auto& line : configuration->lines_of(key)) {
        evidence.push_back({fmt::format("{}:{}", configuration->path(), line.number), line.text, "Logs.Verbose=y"});
    }
    if (configuration->is_on(key, false)) {
        return Finding::healthy("The guest agent logs everything.", std::move(evidence));
    }
    if (evidence.empty()) evidence.push_back({configuration->path(), "Logs.Verbose is not set", "Logs.Verbose=y"});
    return Finding::broken("The guest agent logs only the usual.", std::move(evidence),
                           fmt::format("Set {}=y in {} and restart the guest agent.", key, configuration->path()))
        .as_risk();
}

machine::Result<void> fix(const Finding&, Changes& changes) {
    const auto configuration = AgentConfiguration::read(changes.machine());
    if (!configuration) return configuration.error();
    const auto written = changes.write_file(configuration->path(), configuration->with_setting(key, "y"));
    if (!written) return written;
    return restart_agent(changes);
}

}  // namespace

Remediation remediation() {
    return {
        .id = "agent-verbose-log",
        .title = "The guest agent's log is not verbose",
        .layer = Layer::guest_agent,
        .scope = Scope::linux,
        .error_codes = {},
        .disruption = Disruption::agent_restart,
        .explanation =
            "On request only: Logs.Verbose=y makes waagent.log tell every step, which helps where nothing else names a "
            "cause. Undo sets it back; a verbose log grows quickly.",
        .source = "https://learn.microsoft.com/azure/backup/backup-azure-troubleshoot-vm-backup-fails-snapshot-timeout",
        .on_request = true,
        .diagnose = diagnose,
        .fix = fix,
    };
}

}  // namespace remediations::causes::agent_verbose_log
