#include <fmt/format.h>

#include <algorithm>
#include <boost/range/adaptor/reversed.hpp>

#include "remediations/changes/changes.hpp"
#include "remediations/knowledge/agent/agent_events.hpp"
#include "remediations/knowledge/agent/agent_service.hpp"
#include "remediations/knowledge/agent/machine_config.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::wcf_profiling_enabled {

using machine::Machine;

namespace {

constexpr std::string_view profiler = wcf_profiler;

/// Returns the elements that vsdiag_regwcf.exe adds: <add name="..." type="..."/> and <...Behavior/>. Comments are not
/// included.
std::vector<XmlElement> profiler_entries(const MachineConfig& config) {
    std::vector<XmlElement> entries;
    for (const auto& element : config.elements) {
        // Removing an entry removes its content too.
        if (!entries.empty() && element.begin < entries.back().end) continue;
        if (element.start_tag.find(profiler) != std::string::npos) entries.push_back(element);
    }
    return entries;
}

std::string without(std::string text, const std::vector<XmlElement>& entries) {
    for (const auto& entry : boost::adaptors::reverse(entries)) text.erase(entry.begin, entry.end - entry.begin);
    return text;
}

Finding diagnose(const Machine& machine) {
    const auto path = machine_config_path(machine);
    const auto config = read_machine_config(machine, path);
    if (!config) {
        const auto kind = config.error().kind;
        const bool is_damaged = kind == machine::ErrorKind::not_found || kind == machine::ErrorKind::invalid;
        return is_damaged ? Finding::not_applicable(
                                "The configuration file of .NET is damaged; machine-config-damaged speaks of that.")
                          : Finding::unknown(path, config.error());
    }
    const auto entries = profiler_entries(*config);
    if (entries.empty()) return Finding::healthy("No profiling of WCF is switched on for all programs.");
    std::vector<Evidence> evidence;
    for (const auto& entry : entries) {
        evidence.push_back({fmt::format("{}:{}", path, entry.line), entry.start_tag.substr(0, 300), "no such element"});
    }
    bool does_harm = false;
    for (const auto* agent : windows_agent_services) {
        const auto crashes = agent_crashes(machine, *agent);
        const auto service = machine.services().find(agent->name);
        does_harm =
            does_harm || !crashes.times.empty() || (service && service->state != machine::ServiceState::running);
        evidence.insert(evidence.end(), crashes.evidence.begin(), crashes.evidence.end());
    }
    auto finding = Finding::broken(
        "Profiling of WCF, a tool for debugging, is switched on for every .NET program, the guest agent too.",
        std::move(evidence),
        "Delete these elements from machine.config, and restart RdAgent and WindowsAzureGuestAgent.");
    return does_harm ? finding : std::move(finding).as_risk();
}

machine::Result<void> fix(const Finding&, Changes& changes) {
    const auto path = machine_config_path(changes.machine());
    const auto config = read_machine_config(changes.machine(), path);
    if (!config) return config.error();
    const auto written = changes.write_file(path, without(config->text, profiler_entries(*config)));
    return written ? restart_agent(changes) : written;
}

std::vector<Signal> proofs() {
    auto all = agent_ended_with(wcf_profiler);
    for (const auto log : {Log::agent, Log::agent_installer}) {
        all.push_back(
            {.role = Role::proof, .line = {log, wcf_profiler}, .revoked_by = signs_of_windows_agent_at_work()});
    }
    return all;
}

}  // namespace

Remediation remediation() {
    return {
        .id = "wcf-profiling-enabled",
        .title = "Profiling of WCF is switched on in machine.config",
        .layer = Layer::guest_agent,
        .scope = Scope::windows,
        .error_codes = {"UserErrorGuestAgentStatusUnavailable", "GuestAgentSnapshotTaskStatusError",
                        "GuestAgentSnapshotTaskStatusErrorWin"},
        .disruption = Disruption::workload,
        .explanation =
            "Visual Studio's ServiceModelSink, registered in machine.config, is loaded into every program that uses "
            "WCF; where its library is missing, the guest agent ends as soon as it starts. The fix takes these "
            "elements out of the file, and nothing else, and restarts the agent; it needs approval, because it speaks "
            "for all programs. While the agent runs well the entries are a risk only.",
        .source = "https://learn.microsoft.com/troubleshoot/azure/virtual-machines/windows/windows-azure-guest-agent",
        .signals = proofs(),
        .consequences = {"agent-service-crashes", "agent-not-running", "agent-hung", "backup-extension-state"},
        .diagnose = diagnose,
        .fix = fix,
    };
}

}  // namespace remediations::causes::wcf_profiling_enabled
