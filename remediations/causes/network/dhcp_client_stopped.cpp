#include <fmt/format.h>

#include <algorithm>

#include "remediations/changes/changes.hpp"
#include "remediations/knowledge/network/platform_probes.hpp"
#include "remediations/knowledge/network/windows_interfaces.hpp"
#include "remediations/knowledge/windows/service_findings.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::dhcp_client_stopped {

using machine::ErrorKind;
using machine::Machine;
using machine::ServiceState;
using machine::StartType;

namespace {

constexpr auto dhcp_client = "Dhcp";

Finding diagnose(const Machine& machine) {
    const auto where = fmt::format("service {}", dhcp_client);
    const auto service = machine.services().find(dhcp_client);
    if (!service && service.error().kind == ErrorKind::not_found) {
        return windows_service_missing(dhcp_client, "The DHCP Client service");
    }
    if (!service) return Finding::unknown(where, service.error());
    std::vector<Evidence> evidence{{where, describe(*service), "running, start type automatic"}};
    const bool runs = service->state == ServiceState::running || service->state == ServiceState::starting;
    if (runs && service->start != StartType::disabled) {
        return Finding::healthy("The DHCP Client service runs.", std::move(evidence));
    }
    bool is_needed = true;
    if (const auto interfaces = windows_interfaces(machine)) {
        is_needed = interfaces->empty() || std::ranges::any_of(*interfaces, &WindowsInterface::uses_dhcp);
        for (const auto& interface : *interfaces) {
            evidence.push_back({interface.key, interface.uses_dhcp ? "EnableDHCP=1" : "EnableDHCP=0", ""});
        }
    }
    const auto& wire_server = machine.derived<WireServerProbes>();
    evidence.push_back(wire_server.probes().front().evidence());
    auto finding = Finding::broken(
        fmt::format("The DHCP Client service is {}: the VM keeps its address only until its lease ends, and the guest "
                    "agent cannot ask for the platform's address.",
                    service->start == StartType::disabled ? "disabled" : "stopped"),
        std::move(evidence), fmt::format("Start it: {}.", enable_command(dhcp_client, StartType::automatic, true)));
    finding.changes_security = service->start == StartType::disabled;
    // A VM that still reaches the platform loses it with its lease, or at the next start.
    const bool does_harm = is_needed && !wire_server.reachable() && !wire_server.not_looked();
    return does_harm ? finding : std::move(finding).as_risk();
}

machine::Result<void> fix(const Finding&, Changes& changes) {
    if (auto set = changes.set_service_start(dhcp_client, StartType::automatic); !set) return set;
    return changes.start_service(dhcp_client);
}

}  // namespace

Remediation remediation() {
    return {
        .id = "dhcp-client-stopped",
        .title = "The DHCP Client service of Windows is disabled or stopped",
        .layer = Layer::network,
        .scope = Scope::windows,
        .error_codes = {"UserErrorGuestAgentStatusUnavailable", "VMAgentStatusCommunicationError",
                        "GuestAgentSnapshotTaskStatusError", "ExtensionSnapshotFailedNoNetwork"},
        .disruption = Disruption::service_restart,
        .explanation =
            "Azure gives a VM its address, its routes and the platform's address (option 245) by DHCP. Without the "
            "service that asks for them the VM loses its address when the lease ends. The fix makes the service "
            "automatic again and starts it; fixed addresses stay as they are.",
        .source = "https://learn.microsoft.com/azure/backup/backup-azure-troubleshoot-vm-backup-fails-snapshot-timeout",
        .signals = service_start_failures(dhcp_client),
        .consequences = {"wire-server-unreachable", "dhcp-disabled", "wrong-source-address", "agent-hung"},
        .diagnose = diagnose,
        .fix = fix,
    };
}

}  // namespace remediations::causes::dhcp_client_stopped
