#include <fmt/format.h>

#include <algorithm>
#include <boost/algorithm/string/predicate.hpp>

#include "remediations/changes/changes.hpp"
#include "remediations/knowledge/agent/agent_version.hpp"
#include "remediations/knowledge/agent/system_access.hpp"
#include "remediations/knowledge/agent/windows_agent.hpp"
#include "remediations/knowledge/configuration/extension_folder.hpp"
#include "remediations/knowledge/windows/windows_paths.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::agent_reinstall {

using machine::Machine;
using machine::Path;
using machine::Result;

namespace {

constexpr auto trusted_installer_sid = "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464";
constexpr auto creator_owner_sid = "S-1-3-0";

/// The rights with which somebody can replace the content of a file: writing, appending, deleting, changing its access
/// list or owner; for a folder also deleting its content.
constexpr std::uint32_t changing_rights = 0x000D0056 | 0x50000000;

bool is_trusted(const std::string& sid) {
    return sid == system_sid || sid == administrators_sid || sid == trusted_installer_sid || sid == creator_owner_sid;
}

/// Checks that nobody else can have written the file, because msiexec runs it as SYSTEM.
Result<void> check_security(const Machine& machine, const Path& path) {
    const auto sddl = machine.files().security(path);
    if (!sddl) return sddl.error();
    const auto descriptor = machine::parse_security_descriptor(*sddl);
    if (!descriptor) return descriptor.error();
    const auto refused = [&](const std::string& sid) {
        return machine::Error::refused(
            fmt::format("{} could be changed by {}: put the installer into a folder that only administrators "
                        "may write to",
                        path, sid));
    };
    if (!descriptor->has_access_list) return refused("everybody");
    if (!is_trusted(descriptor->owner)) return refused(descriptor->owner);
    for (const auto& entry : descriptor->entries) {
        const bool concerns_it = (entry.flags & machine::for_inheritors_only) == 0;
        const bool may_change = entry.type != machine::AccessType::deny && (entry.mask & changing_rights) != 0;
        if (concerns_it && may_change && !is_trusted(entry.sid)) return refused(entry.sid);
    }
    return {};
}

Result<void> check_installer(const Machine& machine, const Path& path) {
    const auto invalid = [&](const std::string& what) { return machine::Error::invalid(path + ": " + what); };
    const bool is_local = path.size() > 3 && path[1] == ':' && path[2] == '\\' && path.find('"') == Path::npos;
    if (!is_local) return invalid("expected the full path of a file on a drive of this VM");
    if (!boost::iends_with(path, ".msi")) return invalid("expected a file with the ending .msi");
    const auto status = machine.files().status(path);
    if (!status) return status.error();
    if (status->kind != machine::FileKind::regular || status->size == 0) {
        return invalid("expected a file that is not empty");
    }
    if (auto secure = check_security(machine, path); !secure) return secure;
    return check_security(machine, path.substr(0, path.rfind('\\')));
}

/// Returns the faults of the installed agent. An agent without faults is not reinstalled.
std::vector<Evidence> faults(const Machine& machine) {
    std::vector<Evidence> found;
    for (const auto* agent : windows_agent_services) {
        const auto where = fmt::format("service {}", agent->name);
        const auto service = machine.services().find(agent->name);
        if (!service) {
            found.push_back({where, service.error().message, "installed and running"});
            continue;
        }
        if (service->state != machine::ServiceState::running) {
            found.push_back({where, std::string(to_string(service->state)), "running"});
        }
        const auto program = program_of(machine, service->binary);
        const auto status = machine.files().status(program);
        if (!status || status->size == 0) found.push_back({program, status ? "empty" : "missing", "its program"});
    }
    const auto version = windows_agent_version(machine);
    if (version && compare_versions(version->version, recommended_windows_agent_version) < 0) {
        found.push_back(
            {version->where, version->version, fmt::format("{} or later", recommended_windows_agent_version)});
    }
    return found;
}

Finding diagnose(const Machine& machine, const Question& question) {
    auto evidence = faults(machine);
    if (evidence.empty()) return Finding::healthy("The guest agent is installed and runs: nothing to install.");
    const std::string summary = "The guest agent is missing, damaged or too old.";
    if (question.agent_installer.empty()) {
        return Finding::needs_operator(
            summary, std::move(evidence),
            "Copy the agent's MSI (https://github.com/Azure/WindowsVMAgent/releases) into a folder of the VM that only "
            "administrators may write to, and give its path: agentInstaller in the settings, --agent-installer on the "
            "command line.");
    }
    if (const auto checked = check_installer(machine, question.agent_installer); !checked) {
        evidence.push_back({"agentInstaller", checked.error().message, "the path of the agent's MSI"});
        return Finding::needs_operator(summary, std::move(evidence), "Correct agentInstaller.");
    }
    evidence.push_back({"agentInstaller", question.agent_installer, ""});
    auto finding = Finding::broken(summary, std::move(evidence),
                                   fmt::format("Install the agent: msiexec /i \"{}\"", question.agent_installer));
    finding.subjects = {question.agent_installer};
    return finding;
}

/// Waits for the services, because the installer returns before they run.
Result<void> wait_for_agent(const Changes& changes) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(2);
    while (std::chrono::steady_clock::now() < deadline) {
        if (faults(changes.machine()).empty()) return {};
        if (!changes.machine().wait(std::chrono::seconds(1))) break;
    }
    return machine::Error::timed_out("the agent does not run two minutes after its installation");
}

Result<void> fix(const Finding& finding, Changes& changes) {
    const auto& machine = changes.machine();
    for (const auto* agent : windows_agent_services) {
        const auto service = machine.services().find(agent->name);
        if (!service) continue;
        if (service->state == machine::ServiceState::stopped || service->state == machine::ServiceState::failed) {
            continue;
        }
        if (auto stopped = changes.stop_service(agent->name); !stopped) return stopped;
    }
    const auto log = windows_folder(machine) + R"(\Panther\msiexec.log)";
    const machine::Command install(system_folder(machine) + R"(\msiexec.exe)",
                                   {"/i", finding.subjects.front(), "/quiet", "/norestart", "/L*v", log},
                                   std::chrono::minutes(10));
    if (auto installed = changes.run_tool(install, "installs the guest agent; see " + log); !installed) {
        return installed;
    }
    return changes.is_plan() ? Result<void>() : wait_for_agent(changes);
}

}  // namespace

Remediation remediation() {
    return {
        .id = "agent-reinstall",
        .title = "The Windows guest agent has to be installed again",
        .layer = Layer::guest_agent,
        .scope = Scope::windows,
        .error_codes = {"UserErrorGuestAgentStatusUnavailable", "UserErrorGuestAgentVersionUnsupported"},
        .disruption = Disruption::agent_restart,
        .explanation =
            "On request only, and only from a file that is given: stops the agent's services and installs the MSI "
            "named by agentInstaller over what is there, without a restart. Nothing is downloaded. The file and its "
            "folder must be closed to everybody but administrators. Undo cannot bring the older agent back.",
        .source = "https://learn.microsoft.com/azure/virtual-machines/extensions/agent-windows",
        .on_request = true,
        .diagnose_for = diagnose,
        .fix = fix,
    };
}

}  // namespace remediations::causes::agent_reinstall
