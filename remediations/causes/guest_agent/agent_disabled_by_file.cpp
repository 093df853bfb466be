#include <fmt/format.h>

#include "remediations/changes/changes.hpp"
#include "remediations/knowledge/agent/agent_service.hpp"
#include "remediations/knowledge/configuration/agent_configuration.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::agent_disabled_by_file {

namespace {

Finding diagnose(const machine::Machine& machine) {
    const auto path = agent_library_folder(machine) + "/disable_agent";
    const auto status = machine.files().status(path);
    if (!status && status.error().kind == machine::ErrorKind::not_found) {
        return Finding::healthy("No file tells the guest agent to do nothing.", {{path, "missing", "missing"}});
    }
    if (!status) return Finding::unknown(path, status.error());
    auto finding =
        Finding::broken("A file tells the guest agent to do nothing: it starts and then sleeps for ever.",
                        {{path, "exists", "missing"}}, fmt::format("Remove {} and restart the guest agent.", path));
    finding.subjects = {path};
    return finding;
}

machine::Result<void> fix(const Finding& finding, Changes& changes) {
    if (auto moved = changes.quarantine(finding.subjects.front()); !moved) return moved;
    return restart_agent(changes);
}

}  // namespace

Remediation remediation() {
    return {
        .id = "agent-disabled-by-file",
        .title = "The guest agent is switched off by the file disable_agent",
        .layer = Layer::guest_agent,
        .scope = Scope::linux,
        .error_codes = {"UserErrorGuestAgentStatusUnavailable", "GuestAgentSnapshotTaskStatusError",
                        "VMAgentStatusCommunicationError"},
        .disruption = Disruption::agent_restart,
        .explanation =
            "While disable_agent lies in the agent's library folder, the agent's service looks as if it ran, but no "
            "goal state is fetched and no extension run. Provisioning without extensions "
            "(allowExtensionOperations=false) leaves it there. The fix moves the file away and restarts the agent; in "
            "Azure allowExtensionOperations must be true too.",
        .source = "https://github.com/Azure/WALinuxAgent/blob/master/azurelinuxagent/daemon/main.py",
        .consequences = {"agent-hung", "agent-status-not-reported", "backup-extension-state"},
        .diagnose = diagnose,
        .fix = fix,
    };
}

}  // namespace remediations::causes::agent_disabled_by_file
