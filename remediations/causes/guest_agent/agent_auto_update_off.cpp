#include <fmt/format.h>

#include "remediations/changes/changes.hpp"
#include "remediations/knowledge/agent/agent_service.hpp"
#include "remediations/knowledge/agent/agent_version.hpp"
#include "remediations/knowledge/configuration/agent_configuration.hpp"
#include "remediations/knowledge/configuration/extension_folder.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::agent_auto_update_off {

namespace {

/// The older key, and the key that newer agents prefer. Without the second, the first decides.
constexpr auto old_key = "AutoUpdate.Enabled";
constexpr auto new_key = "AutoUpdate.UpdateToLatestVersion";

Finding diagnose(const machine::Machine& machine) {
    const auto& configuration = AgentConfiguration::of(machine);
    if (!configuration && configuration.error().kind == machine::ErrorKind::not_found) {
        return Finding::not_applicable("There is no waagent.conf: the Linux guest agent is not installed here.");
    }
    if (!configuration) return Finding::unknown("/etc/waagent.conf", configuration.error());
    std::vector<Evidence> evidence;
    for (const auto* key : {old_key, new_key}) {
        for (const auto& line : configuration->lines_of(key)) {
            evidence.push_back(
                {fmt::format("{}:{}", configuration->path(), line.number), line.text, fmt::format("{}=y", key)});
        }
    }
    const bool old_key_is_on = configuration->is_on(old_key, true);
    if (configuration->is_on(new_key, old_key_is_on)) {
        return Finding::healthy("The guest agent updates itself.", std::move(evidence));
    }
    const auto agent = goal_state_agent_version(machine);
    if (!agent || compare_versions(agent->version, recommended_agent_version) >= 0) {
        // As Debian ships it.
        return Finding::healthy("The guest agent does not update itself; it is new enough.", std::move(evidence));
    }
    evidence.push_back({agent->where, agent->seen, fmt::format("{} or later", recommended_agent_version)});
    return Finding::broken("The guest agent is old and told not to update itself.", std::move(evidence),
                           fmt::format("Set {}=y and {}=y in {} and restart the guest agent.", old_key, new_key,
                                       configuration->path()))
        .as_risk();
}

machine::Result<void> fix(const Finding&, Changes& changes) {
    const auto configuration = AgentConfiguration::read(changes.machine());
    if (!configuration) return configuration.error();
    const auto edited = AgentConfiguration::parse(configuration->path(), configuration->with_setting(old_key, "y"));
    const auto written = changes.write_file(configuration->path(), edited.with_setting(new_key, "y"));
    if (!written) return written;
    return restart_agent(changes);
}

}  // namespace

Remediation remediation() {
    return {
        .id = "agent-auto-update-off",
        .title = "The guest agent is old and told not to update itself",
        .layer = Layer::guest_agent,
        .scope = Scope::linux,
        .error_codes = {"UserErrorGuestAgentVersionUnsupported", "UserErrorGuestAgentStatusUnavailable"},
        .disruption = Disruption::agent_restart,
        .explanation =
            "The agent downloads newer versions of itself through the host, unless AutoUpdate.Enabled or, in newer "
            "agents, AutoUpdate.UpdateToLatestVersion is n. Switched off it stays what the image brought. The fix sets "
            "both to y and restarts the agent.",
        .source = "https://github.com/Azure/WALinuxAgent#configuration-file-options",
        .consequences = {"agent-too-old"},
        .diagnose = diagnose,
        .fix = fix,
    };
}

}  // namespace remediations::causes::agent_auto_update_off
