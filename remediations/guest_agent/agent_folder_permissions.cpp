#include <fmt/format.h>
#include <fmt/ranges.h>

#include "remediations/changes.hpp"
#include "remediations/guest_agent/agent_service.hpp"
#include "remediations/guest_agent/system_access.hpp"
#include "remediations/guest_agent/windows_agent.hpp"
#include "remediations/remediation.hpp"

namespace remediations {

using machine::ErrorKind;
using machine::Machine;
using machine::Path;

namespace {

Finding diagnose(const Machine& machine) {
    std::vector<Evidence> evidence;
    std::vector<std::string> closed;
    for (const auto& folder : {windows_agent_folder(machine), machine.facts().system_drive + "\\Packages"}) {
        const auto sddl = machine.files().security(folder);
        if (!sddl && sddl.error().kind == ErrorKind::not_found) continue;
        if (!sddl) return Finding::unknown(folder, sddl.error());
        const auto descriptor = machine::parse_security_descriptor(*sddl);
        if (!descriptor) return Finding::unknown(folder, descriptor.error());
        const bool is_open = (rights_of_system(*descriptor) & machine::file_all_access) == machine::file_all_access;
        evidence.push_back({folder, *sddl, "full control for SYSTEM (S-1-5-18)"});
        if (!is_open) closed.push_back(folder);
    }
    if (evidence.empty()) return Finding::not_applicable("The guest agent's folders do not exist.");
    if (closed.empty()) return Finding::healthy("SYSTEM has full control of the agent's folders.", std::move(evidence));
    auto finding =
        Finding::broken(fmt::format("SYSTEM has no full control of {}, where the guest agent and its extensions live.",
                                    fmt::join(closed, " and ")),
                        std::move(evidence),
                        fmt::format("Give SYSTEM full control of {} and all below, and restart the guest agent.",
                                    fmt::join(closed, " and ")));
    finding.subjects = std::move(closed);
    return finding;
}

machine::Result<void> fix(const Finding& finding, Changes& changes) {
    for (const auto& folder : finding.subjects) {
        const auto sddl = changes.machine().files().security(folder);
        if (!sddl) return sddl.error();
        const auto wanted = with_full_control_for_system(*sddl, true);
        if (!wanted) return wanted.error();
        if (auto set = changes.set_security(folder, *wanted); !set) return set;
    }
    return restart_agent(changes);
}

}  // namespace

extern const Remediation agent_folder_permissions{
    .id = "agent-folder-permissions",
    .title = "SYSTEM has no full control of the guest agent's folders",
    .layer = Layer::guest_agent,
    .scope = Scope::windows,
    .error_codes = {"UserErrorGuestAgentStatusUnavailable", "GuestAgentSnapshotTaskStatusError",
                    "GuestAgentSnapshotTaskStatusErrorWin", "VMExtensionProvisioningError"},
    .disruption = Disruption::agent_restart,
    .explanation =
        "The agent runs as SYSTEM, updates itself in WindowsAzure and unpacks extensions into Packages. Without full "
        "control it can do neither, nor write its log. The fix adds full control for SYSTEM, to be inherited by what "
        "is made there from now on, leaves out denials that take it away again, changes nothing else, and restarts the "
        "agent.",
    .source = "https://learn.microsoft.com/troubleshoot/azure/virtual-machines/windows/windows-azure-guest-agent",
    .consequences = {"agent-hung", "agent-service-crashes", "backup-extension-state"},
    .diagnose = diagnose,
    .fix = fix,
};

}  // namespace remediations
