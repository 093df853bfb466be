#include <fmt/format.h>

#include "remediations/changes/changes.hpp"
#include "remediations/knowledge/network/azure_vm.hpp"
#include "remediations/knowledge/network/platform_probes.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::azure_proxy_agent {

using machine::ErrorKind;
using machine::Machine;

namespace {

constexpr auto service_name = "azure-proxy-agent";
constexpr unsigned forbidden = 403;

/// Returns true for a request that was refused, cut off, or answered with 401 or 403: this happens where requests go to
/// a proxy that does not exist, or arrive unsigned.
bool is_turned_away(const PlatformProbes::Answer& answer) {
    constexpr unsigned unauthorized = 401;
    if (answer) return answer->status == unauthorized || answer->status == forbidden;
    const auto kind = answer.error().kind;
    return kind != ErrorKind::not_captured && kind != ErrorKind::access_denied && kind != ErrorKind::unsupported;
}

Evidence evidence_of(const std::string& where, const PlatformProbes::Answer& answer) {
    return {where, answer ? fmt::format("HTTP {}", answer->status) : answer.error().message, "HTTP 200"};
}

constexpr auto switch_off =
    "or switch the enforcement of the Metadata Security Protocol off for this VM (security profile, proxy agent "
    "settings: enabled false, or mode Audit)";

Finding diagnose(const Machine& machine) {
    if (!machine.derived<AzureVm>().is_one()) return AzureVm::elsewhere();
    const auto& probes = machine.derived<PlatformProbes>();
    const auto wire_server = probes.goal_states();
    const auto host_plugin = probes.versions();
    const auto metadata = probes.metadata();
    const bool works = host_plugin && host_plugin->status < 400;
    const bool shut_out = is_turned_away(wire_server) && works;
    const bool both = shut_out && is_turned_away(metadata);
    if (wire_server && !shut_out) return Finding::healthy("Nothing turns this VM's requests to the platform away.");
    const auto service = machine.services().find(service_name);
    if (!service && service.error().kind != ErrorKind::not_found) {
        return Finding::unknown(std::string("service ") + service_name, service.error());
    }
    if (!wire_server && wire_server.error().kind == ErrorKind::not_captured) {
        if (!service) return Finding::not_applicable("The Guest Proxy Agent is not installed.");
        return Finding::unknown(fmt::format("{}:80", wire_server_address), wire_server.error());
    }
    std::vector<Evidence> evidence;
    if (service) {
        evidence.push_back({std::string("service ") + service_name,
                            fmt::format("{}, exit code {}", to_string(service->state), service->exit_code), "running"});
    }
    evidence.push_back(evidence_of(fmt::format("{}:80", wire_server_address), wire_server));
    evidence.push_back(evidence_of(fmt::format("{}:32526", wire_server_address), host_plugin));
    evidence.push_back(evidence_of(metadata_address, metadata));
    if (service && service->state != machine::ServiceState::running && shut_out) {
        auto finding = Finding::broken(
            "The Guest Proxy Agent (service azure-proxy-agent) does not run, but this VM's requests to the platform "
            "must go through it: the Metadata Security Protocol is enforced.",
            std::move(evidence),
            fmt::format("Start the Guest Proxy Agent: systemctl start {0}. If it ends again, see journalctl -u {0} and "
                        "/var/log/azure-proxy-agent, update or install it again, {1}.",
                        service_name, switch_off));
        finding.subjects = {service_name};
        return finding;
    }
    const bool is_answer_403 = wire_server && wire_server->status == forbidden;
    if (service && both && is_answer_403) {
        return Finding::needs_operator(
            "The Guest Proxy Agent runs, but the platform or the agent's own rules turn root's requests away with "
            "HTTP 403: the Metadata Security Protocol.",
            std::move(evidence),
            fmt::format("Look at the rules of the Guest Proxy Agent for 168.63.129.16 and 169.254.169.254 and at "
                        "/var/log/azure-proxy-agent; restart it (systemctl restart {}), have Azure reset its key, {}.",
                        service_name, switch_off));
    }
    if (!service && both && is_answer_403) {
        return Finding::needs_operator(
            "The platform turns unsigned requests away with HTTP 403, as it does where the Metadata Security Protocol "
            "is enforced, and the Guest Proxy Agent that signs them is not installed.",
            std::move(evidence),
            fmt::format("Install the Guest Proxy Agent (its VM extension, or the package azure-proxy-agent), {}.",
                        switch_off));
    }
    return service ? Finding::healthy("The Guest Proxy Agent lets this VM's requests through.", std::move(evidence))
                   : Finding::not_applicable("The Guest Proxy Agent is not installed.");
}

machine::Result<void> fix(const Finding&, Changes& changes) {
    return changes.start_service(service_name);
}

}  // namespace

Remediation remediation() {
    return {
        .id = "azure-proxy-agent",
        .title = "The Guest Proxy Agent keeps this VM from the platform",
        .layer = Layer::network,
        .scope = Scope::linux,
        .error_codes = {"UserErrorGuestAgentStatusUnavailable", "GuestAgentSnapshotTaskStatusError",
                        "VMAgentStatusCommunicationError", "ExtensionSnapshotFailedNoNetwork"},
        .disruption = Disruption::service_restart,
        .explanation =
            "With the Metadata Security Protocol the kernel leads requests to 168.63.129.16:80 and 169.254.169.254 to "
            "the Guest Proxy Agent, which signs them; port 32526 is left alone. Where that agent has failed, "
            "connections are refused; where it is missing, the host answers 403. No goal state comes then and no "
            "snapshot is taken. The fix starts its service.",
        .source = "https://learn.microsoft.com/azure/virtual-machines/metadata-security-protocol/troubleshoot-guide",
        .consequences = {"wire-server-unreachable", "instance-metadata-unreachable", "goal-state-refused",
                         "guest-firewall-blocks-wire-server", "agent-crash-looping", "agent-hung",
                         "agent-status-not-reported", "wrong-wire-server-answer", "host-refuses-snapshot",
                         "no-network-catch-all", "backup-extension-state", "dhcp-disabled", "agent-proxy",
                         "duplicate-network-configuration"},
        .diagnose = diagnose,
        .fix = fix,
    };
}

}  // namespace remediations::causes::azure_proxy_agent
