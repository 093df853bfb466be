#include <fmt/format.h>

#include "remediations/changes/changes.hpp"
#include "remediations/knowledge/agent/agent_events.hpp"
#include "remediations/knowledge/agent/agent_service.hpp"
#include "remediations/knowledge/agent/machine_config.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::machine_config_damaged {

using machine::ErrorKind;
using machine::Machine;

namespace {

Finding diagnose(const Machine& machine) {
    const auto path = machine_config_path(machine);
    const auto current = read_machine_config(machine, path);
    if (current) {
        return Finding::healthy(
            ".NET's configuration file can be read.",
            {{path, fmt::format("well-formed, {} bytes", current->text.size()), "well-formed XML"}});
    }
    const auto kind = current.error().kind;
    if (kind != ErrorKind::not_found && kind != ErrorKind::invalid) return Finding::unknown(path, current.error());
    std::vector<Evidence> evidence{
        {path, kind == ErrorKind::not_found ? "missing" : current.error().message, "well-formed XML"}};
    for (const auto* agent : windows_agent_services) {
        const auto crashes = agent_crashes(machine, *agent);
        evidence.insert(evidence.end(), crashes.evidence.begin(), crashes.evidence.end());
    }
    const auto spare = default_machine_config_path(machine);
    const auto shipped = read_machine_config(machine, spare);
    evidence.push_back({spare, shipped ? "well-formed" : shipped.error().message, "Windows' own copy"});
    const std::string summary =
        "The configuration file of .NET is damaged or missing, so no .NET program starts, the guest agent among them.";
    if (!shipped) {
        return Finding::needs_operator(summary, std::move(evidence),
                                       "Copy machine.config from a computer with the same Windows into that folder, or "
                                       "repair .NET Framework (sfc /scannow), and restart RdAgent and "
                                       "WindowsAzureGuestAgent.");
    }
    return Finding::broken(summary, std::move(evidence),
                           fmt::format("Replace it by {}, or by a backup of yours if programs added settings to it, "
                                       "and restart RdAgent and WindowsAzureGuestAgent.",
                                       spare));
}

machine::Result<void> fix(const Finding&, Changes& changes) {
    const auto shipped = read_machine_config(changes.machine(), default_machine_config_path(changes.machine()));
    if (!shipped) return shipped.error();
    const auto written = changes.write_file(machine_config_path(changes.machine()), shipped->text);
    return written ? restart_agent(changes) : written;
}

std::vector<Signal> proofs() {
    constexpr auto bad_configuration = "ConfigurationErrorsException";
    auto all = agent_ended_with(bad_configuration, {wcf_profiler});
    for (const auto log : {Log::agent, Log::agent_installer}) {
        all.push_back({.role = Role::proof,
                       .line = {log, bad_configuration},
                       .with = {"machine.config"},
                       .without = {wcf_profiler},
                       .revoked_by = signs_of_windows_agent_at_work()});
    }
    return all;
}

}  // namespace

Remediation remediation() {
    return {
        .id = "machine-config-damaged",
        .title = "The configuration file of .NET Framework is damaged",
        .layer = Layer::guest_agent,
        .scope = Scope::windows,
        .error_codes = {"UserErrorGuestAgentStatusUnavailable", "GuestAgentSnapshotTaskStatusError",
                        "GuestAgentSnapshotTaskStatusErrorWin"},
        .disruption = Disruption::workload,
        .explanation =
            "machine.config is read by every .NET program when it starts. Empty, cut short or edited wrongly, it makes "
            "the guest agent end at once with ConfigurationErrorsException. The fix puts machine.config.default in its "
            "place, which Windows keeps beside it, and restarts the agent; it needs approval, because settings that "
            "other programs had added are then gone for them. Undo puts the old file back.",
        .source = "https://learn.microsoft.com/troubleshoot/azure/virtual-machines/windows/windows-azure-guest-agent",
        .signals = proofs(),
        .consequences = {"agent-service-crashes", "agent-not-running", "agent-hung", "backup-extension-state"},
        .diagnose = diagnose,
        .fix = fix,
    };
}

}  // namespace remediations::causes::machine_config_damaged
