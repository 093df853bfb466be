#include <fmt/format.h>

#include <algorithm>

#include "remediations/changes/changes.hpp"
#include "remediations/knowledge/agent/agent_service.hpp"
#include "remediations/knowledge/agent/windows_agent.hpp"
#include "remediations/knowledge/logs/log_evidence.hpp"
#include "remediations/knowledge/windows/service_findings.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::key_isolation_unavailable {

using machine::ErrorKind;
using machine::Machine;
using machine::ServiceState;
using machine::StartType;

namespace {

constexpr auto key_isolation = "KeyIso";
/// A code follows: -2147023143 for an RPC endpoint that is not registered.
constexpr auto no_crypto = "RdCrypt Initialization failed";

/// Returns the agent's newest error of this kind, unless the agent was started after it and has not logged it since.
const LogLine* complaint(const Machine& machine) {
    const auto* match = machine.derived<LogEvidence>().find_current(Log::agent, no_crypto);
    if (!match) return nullptr;
    const auto processes = agent_processes_of(machine, windows_guest_agent);
    const bool started_since =
        match->newest.time && processes &&
        std::ranges::any_of(*processes, [&](const auto& process) { return process.started > *match->newest.time; });
    return started_since ? nullptr : &match->newest;
}

Finding diagnose(const Machine& machine) {
    const auto where = fmt::format("service {}", key_isolation);
    const auto service = machine.services().find(key_isolation);
    if (!service && service.error().kind == ErrorKind::not_found) {
        return windows_service_missing(key_isolation, "The CNG Key Isolation service");
    }
    if (!service) return Finding::unknown(where, service.error());
    std::vector<Evidence> evidence{{where, describe(*service), "not disabled; it starts when it is needed"}};
    const auto* line = complaint(machine);
    if (line) evidence.push_back(line->evidence("no such line"));
    if (service->start == StartType::disabled) {
        return Finding::broken(
                   "The CNG Key Isolation service is disabled, so the guest agent can neither make nor use keys.",
                   std::move(evidence),
                   fmt::format("Enable it ({}) and restart the guest agent.",
                               enable_command(key_isolation, StartType::manual, true)))
            .as_security_change();
    }
    if (!line) return Finding::healthy("The CNG Key Isolation service can be used.", std::move(evidence));
    if (service->state != ServiceState::running) {
        return Finding::broken("The guest agent could not use the CNG Key Isolation service, which does not run.",
                               std::move(evidence), "Start KeyIso and restart the guest agent.");
    }
    return Finding::broken(
        "The guest agent could not use the CNG Key Isolation service when it started; now that service runs.",
        std::move(evidence),
        "Restart the guest agent. If the line comes again, restart Windows: the service cannot be restarted alone.");
}

machine::Result<void> fix(const Finding&, Changes& changes) {
    const auto service = changes.machine().services().find(key_isolation);
    if (!service) return service.error();
    if (service->start == StartType::disabled) {
        if (auto set = changes.set_service_start(key_isolation, StartType::manual); !set) return set;
    }
    if (auto started = changes.start_service(key_isolation); !started) return started;
    return restart_agent(changes);
}

}  // namespace

Remediation remediation() {
    return {
        .id = "key-isolation-unavailable",
        .title = "The CNG Key Isolation service is disabled or cannot be used",
        .layer = Layer::guest_agent,
        .scope = Scope::windows,
        .error_codes = {"UserErrorGuestAgentStatusUnavailable", "GuestAgentSnapshotTaskStatusError",
                        "GuestAgentSnapshotTaskStatusErrorWin", "GuestAgentCertificateNotFound",
                        "ExtensionConfigParsingFailure"},
        .disruption = Disruption::agent_restart,
        .explanation =
            "The guest agent makes its transport certificate with the help of the service KeyIso; without it \"RdCrypt "
            "Initialization failed\" is in its log and no extension gets its settings. The service starts on demand, "
            "so stopped alone is normal; disabled is not. The fix makes it manual again, starts it, and restarts the "
            "agent.",
        .source = "https://learn.microsoft.com/troubleshoot/azure/virtual-machines/windows/windows-azure-guest-agent",
        .signals = {proof(Log::agent, no_crypto)},
        .consequences = {"extension-certificate-unusable", "agent-hung", "agent-service-crashes",
                         "backup-extension-state"},
        .diagnose = diagnose,
        .fix = fix,
    };
}

}  // namespace remediations::causes::key_isolation_unavailable
