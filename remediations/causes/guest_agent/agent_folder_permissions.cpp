#include <fmt/format.h>
#include <fmt/ranges.h>

#include "remediations/changes/changes.hpp"
#include "remediations/knowledge/agent/agent_service.hpp"
#include "remediations/knowledge/agent/system_access.hpp"
#include "remediations/knowledge/agent/windows_agent.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::agent_folder_permissions {

using machine::Machine;

namespace {

Finding diagnose(const Machine& machine) {
    auto access = folder_access(machine, {windows_agent_folder(machine), machine.facts().system_drive + "\\Packages"},
                                machine::file_all_access, "full control for SYSTEM (S-1-5-18)");
    if (!access) return Finding::unknown("the guest agent's folders", access.error());
    if (access->evidence.empty()) return Finding::not_applicable("The guest agent's folders do not exist.");
    if (access->closed.empty()) {
        return Finding::healthy("SYSTEM has full control of the agent's folders.", std::move(access->evidence));
    }
    const auto closed = fmt::format("{}", fmt::join(access->closed, " and "));
    auto finding = Finding::broken(
        fmt::format("SYSTEM has no full control of {}, where the guest agent and its extensions live.", closed),
        std::move(access->evidence),
        fmt::format("Give SYSTEM full control of {} and all below, and restart the guest agent.", closed));
    finding.subjects = std::move(access->closed);
    return finding;
}

machine::Result<void> fix(const Finding& finding, Changes& changes) {
    const auto opened = open_to_system(finding.subjects, true, changes);
    return opened ? restart_agent(changes) : opened;
}

/// The sentence with the path is localized; the exception's name and the path are not.
std::vector<Signal> proofs() {
    std::vector<Signal> all;
    for (const auto* folder : {R"(:\Packages)", R"(:\WindowsAzure)"}) {
        all.push_back({.role = Role::proof,
                       .line = {Log::agent, "System.UnauthorizedAccessException"},
                       .with = {folder},
                       .heals_unsaid = true});
    }
    return all;
}

}  // namespace

Remediation remediation() {
    return {
        .id = "agent-folder-permissions",
        .title = "SYSTEM has no full control of the guest agent's folders",
        .layer = Layer::guest_agent,
        .scope = Scope::windows,
        .error_codes = {"UserErrorGuestAgentStatusUnavailable", "GuestAgentSnapshotTaskStatusError",
                        "GuestAgentSnapshotTaskStatusErrorWin", "VMExtensionProvisioningError"},
        .disruption = Disruption::agent_restart,
        .explanation =
            "The agent runs as SYSTEM, updates itself in WindowsAzure and unpacks extensions into Packages. Without "
            "full control it can do neither, nor write its log. The fix adds full control for SYSTEM, to be inherited "
            "by what is made there from now on, leaves out denials that take it away again, changes nothing else, and "
            "restarts the agent.",
        .source = "https://learn.microsoft.com/troubleshoot/azure/virtual-machines/windows/windows-azure-guest-agent",
        .signals = proofs(),
        .consequences = {"agent-hung", "agent-service-crashes", "backup-extension-state"},
        .diagnose = diagnose,
        .fix = fix,
    };
}

}  // namespace remediations::causes::agent_folder_permissions
