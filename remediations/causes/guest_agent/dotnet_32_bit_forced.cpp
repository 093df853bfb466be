#include <fmt/format.h>

#include "remediations/changes/changes.hpp"
#include "remediations/knowledge/agent/agent_service.hpp"
#include "remediations/knowledge/logs/log_evidence.hpp"
#include "remediations/knowledge/windows/registry_values.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::dotnet_32_bit_forced {

namespace {

constexpr auto framework_key = R"(HKLM\SOFTWARE\Microsoft\.NETFramework)";
constexpr auto switch_name = "Enable64Bit";
constexpr auto failed_line = "System.BadImageFormatException";

Finding diagnose(const machine::Machine& machine) {
    const auto place = fmt::format("{}\\{}", framework_key, switch_name);
    const auto value = registry_number(machine, framework_key, switch_name);
    if (!value) return Finding::unknown(place, value.error());
    // Not there is what Windows ships with, and means the same as 1.
    if (!*value || **value != 0) return Finding::healthy(".NET programs run as what they are, 64 bits.");
    std::vector<Evidence> evidence{{place, "0", "1, or not there"}};
    if (const auto* line = machine.derived<LogEvidence>().find_current(Log::agent, failed_line)) {
        evidence.push_back(line->newest.evidence("extensions are unpacked"));
    }
    return Finding::broken(
        ".NET is told to run every program with 32 bits, so the guest agent cannot unpack extensions.",
        std::move(evidence),
        fmt::format("Set {} to 1 (DWORD) and restart Windows, or at least RdAgent and WindowsAzureGuestAgent. Find out "
                    "which program set it to 0: it can come back.",
                    place));
}

machine::Result<void> fix(const Finding&, Changes& changes) {
    const auto set =
        changes.set_registry_value(framework_key, switch_name, {machine::RegistryType::dword, std::uint64_t{1}});
    return set ? restart_agent(changes) : set;
}

}  // namespace

Remediation remediation() {
    return {
        .id = "dotnet-32-bit-forced",
        .title = ".NET is told to run every program with 32 bits",
        .layer = Layer::guest_agent,
        .scope = Scope::windows,
        .error_codes = {"UserErrorGuestAgentStatusUnavailable", "GuestAgentSnapshotTaskStatusError",
                        "GuestAgentSnapshotTaskStatusErrorWin", "GuestAgentPluginInstallCommandProcessingFailed",
                        "VMExtensionProvisioningError"},
        .disruption = Disruption::agent_restart,
        .explanation =
            "With Enable64Bit=0 below .NETFramework, 64-bit .NET programs run as 32-bit ones. The guest agent then "
            "fails with BadImageFormatException (0x8007000B) as it unpacks or tests extensions. The fix sets the value "
            "to 1 and restarts the agent; other programs take it in when they are started again.",
        .source = "https://learn.microsoft.com/troubleshoot/azure/virtual-machines/windows/windows-azure-guest-agent",
        .signals = {judged(Log::agent, failed_line),
                    {.role = Role::proof, .line = {Log::agent, failed_line}, .with = {"0x8007000B"}}},
        .consequences = {"agent-service-crashes", "agent-hung", "backup-extension-state"},
        .diagnose = diagnose,
        .fix = fix,
    };
}

}  // namespace remediations::causes::dotnet_32_bit_forced
