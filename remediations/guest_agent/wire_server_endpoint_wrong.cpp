#include <fmt/format.h>

#include <boost/algorithm/string/trim.hpp>

#include "remediations/changes.hpp"
#include "remediations/guest_agent/agent_configuration.hpp"
#include "remediations/guest_agent/agent_service.hpp"
#include "remediations/logs/log_evidence.hpp"
#include "remediations/remediation.hpp"

namespace remediations {

namespace {

constexpr auto wire_server = "168.63.129.16";
constexpr auto endpoint_line = "Wire server endpoint:";

Finding diagnose(const machine::Machine& machine) {
    const auto path = agent_library_folder(machine) + "/WireServerEndpoint";
    const auto text = machine.files().read(path, 4096);
    if (!text && text.error().kind == machine::ErrorKind::not_found) {
        return Finding::healthy("The guest agent has written down no address of the wire server.");
    }
    if (!text) return Finding::unknown(path, text.error());
    const auto address = boost::algorithm::trim_copy(*text);
    std::vector<Evidence> evidence{{path, address, wire_server}};
    // Of an empty file the agent takes the right address.
    if (address == wire_server || address.empty()) {
        return Finding::healthy("The guest agent talks to the right wire server.", std::move(evidence));
    }
    if (const auto* line = machine.derived<LogEvidence>().find_current(Log::agent, endpoint_line)) {
        evidence.push_back(line->newest.evidence(std::string(endpoint_line) + wire_server));
    }
    auto finding = Finding::broken(
        fmt::format("The guest agent talks to {} instead of the wire server.", address.substr(0, 200)),
        std::move(evidence),
        fmt::format("Remove {} and restart the guest agent. Where it comes back, see that the VM gets its address by "
                    "DHCP and has a route to {}, and update the agent.",
                    path, wire_server));
    finding.subjects = {path};
    return finding;
}

machine::Result<void> fix(const Finding& finding, Changes& changes) {
    if (auto moved = changes.quarantine(finding.subjects.front()); !moved) return moved;
    return restart_agent(changes);
}

}  // namespace

extern const Remediation wire_server_endpoint_wrong{
    .id = "wire-server-endpoint-wrong",
    .title = "The guest agent has the wrong address of the wire server",
    .layer = Layer::guest_agent,
    .scope = Scope::linux,
    .error_codes = {"UserErrorGuestAgentStatusUnavailable", "GuestAgentSnapshotTaskStatusError",
                    "VMAgentStatusCommunicationError"},
    .disruption = Disruption::agent_restart,
    .explanation =
        "The agent notes the wire server's address in WireServerEndpoint below its library folder. It is "
        "168.63.129.16 in every Azure cloud; old agents could take the name servers of the DHCP lease for it when "
        "there was no route. The fix moves the file away and restarts the agent, which then finds the address anew.",
    .source = "https://github.com/Azure/WALinuxAgent/issues/680",
    .log_lines = {{Log::agent, endpoint_line}},
    .consequences = {"agent-hung", "agent-status-not-reported", "backup-extension-state"},
    .diagnose = diagnose,
    .fix = fix,
};

}  // namespace remediations
