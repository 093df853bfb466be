#include <fmt/format.h>

#include "remediations/changes/changes.hpp"
#include "remediations/knowledge/agent/windows_agent.hpp"
#include "remediations/knowledge/windows/windows_paths.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::wmi_registry_provider {

using machine::ErrorKind;
using machine::Machine;

namespace {

constexpr auto name_space = R"(root\default)";
constexpr auto class_query = "SELECT * FROM meta_class WHERE __CLASS = 'StdRegProv'";
constexpr auto where = R"(WMI root\default:StdRegProv)";

bool agent_works(const Machine& machine) {
    for (const auto* agent : windows_agent_services) {
        const auto service = machine.services().find(agent->name);
        if (!service || service->state != machine::ServiceState::running) return false;
    }
    return true;
}

Finding diagnose(const Machine& machine) {
    const auto service = machine.services().find("Winmgmt");
    if (service && service->state != machine::ServiceState::running) {
        return Finding::not_applicable("The WMI service does not run; management-instrumentation speaks of that.");
    }
    const auto answer = machine.wmi().query(name_space, class_query);
    const bool is_absent = answer ? answer->empty() : answer.error().kind == ErrorKind::not_found;
    if (!answer && !is_absent) return Finding::unknown(where, answer.error());
    if (!is_absent) return Finding::healthy("The guest agent's installer can use WMI's registry provider.");
    auto finding = Finding::broken(
        "WMI has lost its registry provider (StdRegProv): the guest agent cannot be installed or updated.",
        {{where, answer ? "no such class" : answer.error().message, "the class is there"}},
        "Look at the repository with winmgmt /verifyrepository, then repair it with winmgmt /salvagerepository. Only "
        "if that does not help: net stop winmgmt /y, winmgmt /resetrepository, net start winmgmt, which loses what "
        "programs registered in WMI.");
    return agent_works(machine) ? std::move(finding).as_risk() : finding;
}

machine::Result<void> fix(const Finding&, Changes& changes) {
    const auto tool = system_folder(changes.machine()) + R"(\wbem\WinMgmt.exe)";
    return changes.run_tool({tool, {"/salvagerepository"}, std::chrono::minutes(3)},
                            "rebuilds the WMI repository where it is inconsistent, and keeps what can be read of it");
}

}  // namespace

Remediation remediation() {
    return {
        .id = "wmi-registry-provider",
        .title = "WMI has lost the registry provider that the guest agent's installer needs",
        .layer = Layer::guest_agent,
        .scope = Scope::windows,
        .error_codes = {"UserErrorGuestAgentStatusUnavailable", "UserErrorGuestAgentVersionUnsupported"},
        .disruption = Disruption::workload,
        .explanation =
            "The guest agent's MSI sets the path of its services through WMI's class StdRegProv; with a damaged WMI "
            "repository it fails, and the agent is neither installed nor updated. The fix lets Windows salvage the "
            "repository, which cannot be undone and so needs approval. While the agent runs, this is a risk only.",
        .source = "https://learn.microsoft.com/troubleshoot/azure/virtual-machines/windows/windows-azure-guest-agent",
        .consequences = {"agent-not-installed", "agent-too-old", "agent-program-missing"},
        .diagnose = diagnose,
        .fix = fix,
    };
}

}  // namespace remediations::causes::wmi_registry_provider
