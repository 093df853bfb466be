#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "remediations/knowledge/snapshot/windows_service.hpp"

namespace remediations::causes::rpc_services {

namespace {

constexpr std::array services = {
    WindowsService{.name = "RpcSs", .display = "Remote Procedure Call (RPC)", .why = "nothing that uses COM works"},
    WindowsService{.name = "RpcEptMapper", .display = "RPC Endpoint Mapper", .why = "nothing that uses RPC works"},
    WindowsService{.name = "DcomLaunch", .display = "DCOM Server Process Launcher", .why = "no COM server starts"},
};

constexpr auto advice =
    "These services cannot be stopped or started while Windows runs: set the start type of {} to automatic (sc config "
    "{} start= auto) and restart the VM.";

Finding diagnose(const machine::Machine& machine) {
    std::vector<Evidence> evidence;
    for (const auto& service : services) {
        auto finding = diagnose_service(machine, service);
        if (finding.state == State::unknown) return finding;
        if (finding.state == State::broken) {
            return Finding::needs_operator(std::move(finding.summary), std::move(finding.evidence),
                                           fmt::format(advice, service.name, service.name));
        }
        if (finding.state == State::needs_operator) return finding;
        evidence.insert(evidence.end(), finding.evidence.begin(), finding.evidence.end());
    }
    return Finding::healthy("The services of COM and RPC run.", std::move(evidence));
}

}  // namespace

Remediation remediation() {
    return {
        .id = "rpc-services",
        .title = "A service of COM and RPC is disabled or does not run",
        .layer = Layer::os_snapshot,
        .scope = Scope::windows,
        .error_codes = {"ExtensionFailedVssServiceInBadState", "ExtensionSnapshotFailedCOM",
                        "ExtensionInstallationFailedCOM"},
        .explanation =
            "VSS, COM+, MSDTC and most of Windows depend on these three. Windows does not let them be stopped or "
            "restarted, so only a restart of the VM helps, which this program never does.",
        .source = "https://learn.microsoft.com/windows/win32/rpc/rpc-start-page",
        .consequences = {"vss-writers-not-reached", "event-system-service", "system-event-notification",
                         "com-plus-service", "msdtc-not-running", "msdtc-damaged", "vss-service",
                         "shadow-copy-provider-service", "cryptographic-services", "management-instrumentation",
                         "provider-flags", "vss-writer-missing", "vss-writer-failed", "backup-attempt-failed",
                         "backup-extension-state"},
        .diagnose = diagnose,
    };
}

}  // namespace remediations::causes::rpc_services
