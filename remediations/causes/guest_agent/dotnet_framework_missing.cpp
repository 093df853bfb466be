#include <fmt/format.h>

#include "remediations/knowledge/agent/windows_agent.hpp"
#include "remediations/knowledge/windows/dotnet_release.hpp"
#include "remediations/knowledge/windows/registry_values.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::dotnet_framework_missing {

namespace {

Finding diagnose(const machine::Machine& machine) {
    const auto release = dotnet_release(machine);
    if (!release) return Finding::unknown(dotnet_release_place, release.error());
    std::vector<Evidence> evidence{{dotnet_release_place, *release ? std::to_string(**release) : "missing",
                                    fmt::format("at least {} (4.5)", dotnet_4_5)}};
    if (*release && **release >= dotnet_4_5) {
        return Finding::healthy("The .NET Framework is new enough for the guest agent.", std::move(evidence));
    }
    const auto told = registry_text(machine, agent_state_key, "RequiredDotNetVersionPresent");
    if (told && *told) {
        evidence.push_back({std::string(agent_state_key) + "\\RequiredDotNetVersionPresent", **told, ""});
    }
    return Finding::needs_operator(
        *release ? "The .NET Framework is older than the guest agent and the backup extension need."
                 : "The .NET Framework 4 is not installed; the guest agent and the backup extension need it.",
        std::move(evidence), "Install .NET Framework 4.8, or at least 4.5, and restart Windows.");
}

}  // namespace

Remediation remediation() {
    return {
        .id = "dotnet-framework-missing",
        .title = "The .NET Framework is missing or too old",
        .layer = Layer::guest_agent,
        .scope = Scope::windows,
        .error_codes = {"UserErrorDotNetVersionUpgradeRequired", "GuestAgentPluginInstallCommandProcessingFailed",
                        "UserErrorGuestAgentStatusUnavailable"},
        .explanation =
            "The Windows guest agent and the backup extension are .NET programs and need .NET Framework 4.5 or later. "
            "Windows Server 2012 and later bring it. Its installation needs a restart, so it is left to a person.",
        .source = "https://learn.microsoft.com/azure/backup/backup-azure-troubleshoot-vm-backup-fails-snapshot-timeout",
        .consequences = {"agent-service-crashes", "agent-not-running", "backup-extension-state"},
        .diagnose = diagnose,
    };
}

}  // namespace remediations::causes::dotnet_framework_missing
