#include <fmt/format.h>

#include <boost/algorithm/string/predicate.hpp>

#include "remediations/changes/changes.hpp"
#include "remediations/knowledge/agent/agent_processes.hpp"
#include "remediations/knowledge/agent/agent_service.hpp"
#include "remediations/knowledge/agent/goal_state_failures.hpp"
#include "remediations/knowledge/network/platform_probes.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::agent_container_stale {

namespace {

constexpr const char* stale_lines[] = {"InvalidContainerConfiguration", "InvalidContainerError"};
/// The agent's line when its second try, after a refresh of the goal state, succeeded.
constexpr auto healed_line = "using the host plugin channel after goal state refresh";

/// Returns the newest refusal in the agent's log; nullptr where the channel worked after it.
const LogMatch* newest_refusal(const machine::Machine& machine) {
    const auto& logs = machine.derived<LogEvidence>();
    const LogMatch* newest = nullptr;
    for (const auto* text : stale_lines) {
        const auto* match = logs.find_current(Log::agent, text);
        if (match && (!newest || is_later(match->newest, newest->newest))) newest = match;
    }
    if (!newest) return nullptr;
    const auto* healed = logs.find(Log::agent, healed_line);
    const bool is_healed =
        healed && boost::contains(healed->newest.text, "succeeded") && !is_later(newest->newest, healed->newest);
    return is_healed ? nullptr : newest;
}

Finding diagnose(const machine::Machine& machine) {
    const auto* refusal = newest_refusal(machine);
    if (!refusal) return Finding::healthy("The host knows the container id of the guest agent.");
    const auto processes = agent_processes(machine);
    if (!processes) return Finding::unknown("the list of processes", processes.error());
    if (!processes->goal_state_handler) return Finding::not_applicable("Nothing processes goal states.");
    const auto& handler = *processes->goal_state_handler;
    std::vector<Evidence> evidence{refusal->newest.evidence("the host takes the request"),
                                   {"process", describe(handler), ""}};
    if (refusal->newest.time && handler.started > *refusal->newest.time) {
        return Finding::healthy("The guest agent was restarted since the host refused its container id.",
                                std::move(evidence));
    }
    constexpr auto fresh = std::chrono::hours(7);
    const bool is_fresh = refusal->newest.time && machine.facts().now - *refusal->newest.time < fresh;
    // With a good heartbeat after it only the channel is lost, not the agent; what needs the channel shows elsewhere.
    const auto failing = failing_fetch(machine);
    const bool stops_the_agent = failing && boost::icontains(failing->line.text, "InvalidContainer");
    if (!is_fresh || refusal->count < 2 || !stops_the_agent) {
        return Finding::healthy("The host once refused the container id of the guest agent; the agent goes on.",
                                std::move(evidence));
    }
    return Finding::broken(
        "The guest agent asks the host with a stale container id, and the host refuses every request with HTTP 400.",
        std::move(evidence),
        "Restart the guest agent, which reads its container id anew. If the refusal comes back, reapply the VM: az vm "
        "reapply --resource-group <group> --name <vm>.");
}

machine::Result<void> fix(const Finding&, Changes& changes) {
    return restart_agent(changes);
}

std::vector<LogPattern> log_lines() {
    auto lines = failing_fetch_lines();
    lines.push_back({Log::agent, healed_line});
    for (const auto* text : stale_lines) lines.push_back({Log::agent, text});
    return lines;
}

}  // namespace

Remediation remediation() {
    return {
        .id = "agent-container-stale",
        .title = "The host does not know the guest agent's container id any more",
        .layer = Layer::network,
        .scope = Scope::linux,
        .error_codes = {"UserErrorGuestAgentStatusUnavailable", "GuestAgentSnapshotTaskStatusError",
                        "VMAgentStatusCommunicationError"},
        .disruption = Disruption::agent_restart,
        .explanation =
            "The agent names a container id in each request to the host's channel, port 32526. After a live migration, "
            "a redeployment or a repair of the host it may keep an old one; the host then answers 400 "
            "InvalidContainerConfiguration for ever. The fix restarts the agent, which takes the new one from its goal "
            "state.",
        .source = "https://github.com/Azure/WALinuxAgent/blob/master/azurelinuxagent/common/protocol/hostplugin.py",
        .signals = all_judged(log_lines()),
        .consequences = {"goal-state-refused", "agent-status-not-reported", "agent-hung", "agent-crash-looping",
                         "backup-extension-state", "extension-package-unavailable"},
        .diagnose = diagnose,
        .fix = fix,
    };
}

}  // namespace remediations::causes::agent_container_stale
