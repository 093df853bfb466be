#include <fmt/format.h>

#include <boost/algorithm/string/trim.hpp>
#include <optional>

#include "remediations/changes/changes.hpp"
#include "remediations/knowledge/agent/agent_processes.hpp"
#include "remediations/knowledge/agent/agent_service.hpp"
#include "remediations/knowledge/configuration/agent_configuration.hpp"
#include "remediations/knowledge/logs/log_evidence.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::wire_server_endpoint_wrong {

namespace {

constexpr std::string_view wire_server = "168.63.129.16";
constexpr std::string_view endpoint_line = "Wire server endpoint:";

/// Returns the address with which the agent last started, if it is the wrong one.
const LogMatch* wrong_address_in_log(const machine::Machine& machine) {
    const auto* match = machine.derived<LogEvidence>().find_current(Log::agent, endpoint_line);
    if (!match) return nullptr;
    const std::string_view line = match->newest.text;
    const auto address =
        boost::algorithm::trim_copy(std::string(line.substr(line.find(endpoint_line) + endpoint_line.size())));
    const bool is_wrong = !address.empty() && address != "None" && !address.starts_with(wire_server);
    // An agent that was started since has looked for the address again.
    const auto agent = agent_processes(machine);
    std::optional<machine::Process> runs;
    if (agent) runs = agent->daemon ? agent->daemon : agent->goal_state_handler;
    const bool left_behind = runs && match->newest.time && runs->started > *match->newest.time;
    return is_wrong && !left_behind ? match : nullptr;
}

Finding diagnose(const machine::Machine& machine) {
    const auto path = agent_library_folder(machine) + "/WireServerEndpoint";
    const auto text = machine.files().read(path, 4096);
    const auto* wrong = wrong_address_in_log(machine);
    if (!text && wrong) {
        return Finding::needs_operator(
            "The guest agent takes another address for that of the wire server.",
            {wrong->newest.evidence(fmt::format("{}{}", endpoint_line, wire_server)),
             {path, text.error().message, std::string(wire_server)}},
            fmt::format("Give the VM a route to {} (DHCP brings one) and see that DHCP answers with option 245; then "
                        "restart the guest agent, and update it: old agents take name servers for the wire server.",
                        wire_server));
    }
    if (!text && text.error().kind == machine::ErrorKind::not_found) {
        return Finding::healthy("The guest agent has written down no address of the wire server.");
    }
    if (!text) return Finding::unknown(path, text.error());
    const auto address = boost::algorithm::trim_copy(*text);
    std::vector<Evidence> evidence{{path, address, std::string(wire_server)}};
    // For an empty file the agent takes the right address.
    if (address == wire_server || address.empty()) {
        return Finding::healthy("The guest agent talks to the right wire server.", std::move(evidence));
    }
    if (const auto* line = machine.derived<LogEvidence>().find_current(Log::agent, endpoint_line)) {
        evidence.push_back(line->newest.evidence(fmt::format("{}{}", endpoint_line, wire_server)));
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

Remediation remediation() {
    return {
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
            "there was no route. The fix moves the file away and restarts the agent, which then finds the address "
            "anew.",
        .source = "https://github.com/Azure/WALinuxAgent/issues/680",
        .signals = {judged(Log::agent, std::string(endpoint_line))},
        .consequences = {"agent-hung", "agent-status-not-reported", "backup-extension-state"},
        .diagnose = diagnose,
        .fix = fix,
    };
}

}  // namespace remediations::causes::wire_server_endpoint_wrong
