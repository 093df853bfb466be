#include <fmt/format.h>

#include <algorithm>

#include "remediations/formats/duration_text.hpp"
#include "remediations/knowledge/agent/agent_processes.hpp"
#include "remediations/knowledge/logs/log_evidence.hpp"
#include "remediations/knowledge/reasons/meaning.hpp"
#include "remediations/knowledge/reasons/reasons_in.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::agent_status_not_reported {

using machine::Machine;

namespace {

constexpr const char* failure_lines[] = {"Failed to report vm agent status", "Failed to upload status blob",
                                         "Exception uploading status blob", "Failed to report status: "};
/// The agent reports with every request for a goal state. It logs a failure each time, or at least every 15 minutes.
constexpr auto fresh = std::chrono::hours(1);

Finding not_reported(std::vector<Evidence> evidence) {
    const auto reasons = reasons_in(evidence.front().seen);
    const auto http = std::ranges::find_if(reasons, [](const Reason& reason) {
        return reason.kind == Reason::Kind::http && (reason.number == 0 || reason.number >= 400);
    });
    if (http != reasons.end()) {
        // An answer came: neither a firewall nor a route is in the way.
        const auto meaning = meaning_of(*http);
        return Finding::needs_operator(
            fmt::format("The guest agent works, but its status does not reach Azure: the answer is {}{}.",
                        description_of(*http), meaning ? ", " + clause_of(*meaning) : ""),
            std::move(evidence),
            "Restart the guest agent, which opens its channel to the host anew. If the same answer comes back, reapply "
            "the VM (az vm reapply --resource-group <group> --name <vm>), then redeploy it, or open a support request "
            "with these lines.");
    }
    return Finding::needs_operator(
        "The guest agent works, but its status does not reach Azure.", std::move(evidence),
        "See that root can reach http://168.63.129.16:32526/versions from this VM: the status goes that way, or over "
        "HTTPS to a storage account. Look for firewalls and proxies in the VM (HttpProxy in waagent.conf), and for "
        "the error at the end of the line quoted here. If both ways are open, restart and update the guest agent.");
}

Finding diagnose(const Machine& machine) {
    const auto processes = agent_processes(machine);
    if (processes && !processes->goal_state_handler) return Finding::not_applicable("Nothing processes goal states.");
    const LogMatch* newest = nullptr;
    for (const auto* text : failure_lines) {
        const auto* match = machine.derived<LogEvidence>().find_current(Log::agent, text);
        if (!match || !match->newest.time) continue;
        if (!newest || *newest->newest.time < *match->newest.time) newest = match;
    }
    if (!processes) {
        // Where nothing else is known, the end of the log counts.
        const auto last = machine.derived<LogEvidence>().newest_line(Log::agent);
        const bool goes_on = newest && newest->count > 1 && last && *last - *newest->newest.time < fresh;
        return goes_on ? not_reported({newest->newest.evidence("status is reported")})
                       : Finding::unknown("the list of processes", processes.error());
    }
    const auto& handler = *processes->goal_state_handler;
    if (!newest) {
        return Finding::healthy("The agent's log tells of no failure to report status.",
                                {{"process", describe(handler), ""}});
    }
    const auto time = *newest->newest.time;
    std::vector<Evidence> evidence{newest->newest.evidence("status is reported")};
    if (time < handler.started || machine.facts().now - time > fresh || newest->count < 2) {
        return Finding::healthy(
            fmt::format("The last failure to report status is {} old.", duration_text(machine.facts().now - time)),
            std::move(evidence));
    }
    return not_reported(std::move(evidence));
}

}  // namespace

Remediation remediation() {
    return {
        .id = "agent-status-not-reported",
        .title = "The guest agent cannot report its status",
        .layer = Layer::guest_agent,
        .scope = Scope::linux,
        .error_codes = {"UserErrorGuestAgentStatusUnavailable", "VMAgentStatusCommunicationError",
                        "ManagedRPCreationFailedInCrpButExtensionSucceeded", "GuestAgentSnapshotTaskStatusError",
                        "VMRestorePointInternalError", "InternalError"},
        .explanation =
            "The agent fetches goal states and runs extensions, but the report of what they did fails to upload, "
            "through the host (port 32526) and directly. The portal then shows the agent as not ready and the backup "
            "waits for a snapshot status that never comes.",
        .source = "https://github.com/MicrosoftDocs/azure-docs/issues/116356",
        .signals = {judged(Log::agent, failure_lines[0]), judged(Log::agent, failure_lines[1]),
                    judged(Log::agent, failure_lines[2]), judged(Log::agent, failure_lines[3])},
        .diagnose = diagnose,
    };
}

}  // namespace remediations::causes::agent_status_not_reported
