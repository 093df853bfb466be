#include <fmt/format.h>

#include "remediations/formats/duration_text.hpp"
#include "remediations/knowledge/agent/agent_processes.hpp"
#include "remediations/knowledge/logs/log_evidence.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::agent_waits_for_provisioning {

using machine::Machine;

namespace {

/// The agent's daemon writes one of these after 10 seconds, then in intervals that double up to 320 seconds, for half
/// an hour each (pa/provision/cloudinit.py).
constexpr const char* waiting_lines[] = {"Waiting for cloud-init to copy ovf-env.xml",
                                         "Waiting for ssh host key be generated"};
constexpr auto longest_interval = std::chrono::seconds(330);
/// A first boot is provisioned within minutes.
constexpr auto usual_wait = std::chrono::minutes(10);
constexpr auto provisioned_file = "/var/lib/waagent/provisioned";

/// The line with which the agent says that it waits now; nullptr where it does not.
const LogLine* waiting_line(const Machine& machine) {
    const auto& logs = machine.derived<LogEvidence>();
    const auto newest = logs.newest_line(Log::agent);
    if (!newest || machine.facts().now - *newest > longest_interval) return nullptr;
    for (const auto* text : waiting_lines) {
        const auto* match = logs.find(Log::agent, text);
        if (match && match->newest.time && *newest - *match->newest.time < std::chrono::seconds(1)) {
            return &match->newest;
        }
    }
    return nullptr;
}

Finding diagnose(const Machine& machine) {
    const auto* line = waiting_line(machine);
    if (!line) return Finding::healthy("The guest agent does not wait for cloud-init.");
    const auto processes = agent_processes(machine);
    if (!processes) return Finding::unknown("the list of processes", processes.error());
    if (!processes->daemon) return Finding::not_applicable("The guest agent does not run.");
    std::vector<Evidence> evidence{{"process", describe(*processes->daemon), ""},
                                   line->evidence("the VM is provisioned, and extensions run")};
    const auto waits_for = running_time(machine, *processes->daemon);
    if (processes->goal_state_handler || !waits_for || *waits_for < usual_wait) {
        return Finding::healthy("The guest agent has just been started, and waits for cloud-init.",
                                std::move(evidence));
    }
    const auto file = machine.files().status(provisioned_file);
    if (!file && file.error().kind == machine::ErrorKind::not_found) {
        evidence.push_back({provisioned_file, "missing", "there, once the VM is provisioned"});
    }
    return Finding::needs_operator(
        fmt::format("The guest agent has been waiting for cloud-init for {}, up to an hour after each start, and runs "
                    "no extension until then.",
                    duration_text(*waits_for)),
        std::move(evidence),
        "See `cloud-init status --long`: cloud-init is off, failed, or does not use the Azure datasource. Repair it, "
        "or, where this VM needs no provisioning any more, set Provisioning.Agent=disabled (old agents: "
        "Provisioning.Enabled=n and Provisioning.UseCloudInit=n) in /etc/waagent.conf and restart the guest agent.");
}

}  // namespace

Remediation remediation() {
    return {
        .id = "agent-waits-for-provisioning",
        .title = "The guest agent waits for cloud-init and runs no extension",
        .layer = Layer::guest_agent,
        .scope = Scope::linux,
        .error_codes = {"UserErrorGuestAgentStatusUnavailable", "VMAgentStatusCommunicationError",
                        "GuestAgentSnapshotTaskStatusError", "VMExtensionProvisioningError"},
        .explanation =
            "With Provisioning.Agent=auto or cloud-init, the agent's daemon waits until cloud-init has copied "
            "ovf-env.xml and made the SSH host keys, half an hour each, before it processes the first goal state. "
            "Where cloud-init never does that, as on a VM made from an uploaded disk, it waits after every start "
            "again.",
        .source = "https://github.com/Azure/WALinuxAgent#provisioningagent",
        .signals = {judged(Log::agent, waiting_lines[0]), judged(Log::agent, waiting_lines[1])},
        .consequences = {"backup-extension-state", "agent-status-not-reported", "agent-not-ready-yet"},
        .diagnose = diagnose,
    };
}

}  // namespace remediations::causes::agent_waits_for_provisioning
