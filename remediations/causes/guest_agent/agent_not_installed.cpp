#include <fmt/format.h>

#include "remediations/knowledge/agent/agent_package.hpp"
#include "remediations/knowledge/agent/agent_processes.hpp"
#include "remediations/knowledge/agent/agent_service.hpp"
#include "remediations/knowledge/agent/agent_version.hpp"
#include "remediations/knowledge/agent/windows_agent.hpp"
#include "remediations/knowledge/extension/windows_installer.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::agent_not_installed {

namespace {

Finding missing(const machine::Machine& machine, std::string summary, std::vector<Evidence> evidence) {
    const auto package = agent_package(machine);
    const auto service = package && package->manager == "/usr/bin/apt-get" ? "walinuxagent" : "waagent";
    return Finding::needs_operator(
        std::move(summary), std::move(evidence),
        fmt::format("{} Then: systemctl enable --now {}. Where a VM was made from an image without the agent, also "
                    "set osProfile.allowExtensionOperations to true.",
                    install_advice(machine), service));
}

Finding diagnose_on_windows(const machine::Machine& machine) {
    std::vector<Evidence> evidence;
    std::vector<std::string> missing_services;
    for (const auto* agent : windows_agent_services) {
        const auto where = fmt::format("service {}", agent->name);
        const auto service = machine.services().find(agent->name);
        if (!service && service.error().kind != machine::ErrorKind::not_found) {
            return Finding::unknown(where, service.error());
        }
        evidence.push_back({where, service ? "installed" : "missing", "installed"});
        if (!service) missing_services.emplace_back(agent->name);
    }
    const auto entry = agent_installer_entry(machine);
    evidence.push_back(
        entry ? *entry
              : Evidence{"installed programs", "not among them: an image, not its MSI, brought the agent", ""});
    if (missing_services.empty()) return Finding::healthy("The guest agent is installed.", std::move(evidence));
    for (const auto* agent : windows_agent_services) {
        const auto program = newest_agent_program(machine, *agent);
        evidence.push_back({windows_agent_folder(machine), program ? *program : program.error().message, ""});
    }
    const auto failed = failed_installation(machine, "Windows Azure VM Agent");
    if (failed) evidence.insert(evidence.end(), failed->evidence.begin(), failed->evidence.end());
    for (auto& line : agent_installer_log(machine)) evidence.push_back(std::move(line));
    const auto why = failed ? fmt::format(" Its installation ended with {}.", failed->reason) : std::string();
    const auto first = failed ? failed->action + " " : std::string();
    if (missing_services.size() == 2) {
        return Finding::needs_operator(fmt::format("The Azure Windows guest agent is not installed.{}", why),
                                       std::move(evidence),
                                       fmt::format("{}{} Where a VM was made from an image without the agent, also set "
                                                   "osProfile.allowExtensionOperations to true.",
                                                   first, windows_agent_install_advice));
    }
    return Finding::needs_operator(fmt::format("The guest agent is installed only in part: service {} is missing.{}",
                                               missing_services.front(), why),
                                   std::move(evidence), first + windows_agent_install_advice);
}

Finding diagnose(const machine::Machine& machine) {
    if (machine.facts().platform == machine::Platform::windows) return diagnose_on_windows(machine);
    const auto processes = agent_processes(machine);
    if (!processes) return Finding::unknown("the list of processes", processes.error());
    if (processes->any()) {
        const auto& process = processes->daemon ? *processes->daemon : *processes->goal_state_handler;
        return Finding::healthy("The guest agent is installed.", {{"process", describe(process), ""}});
    }
    const auto program = agent_program(machine);
    if (program) return Finding::healthy("The guest agent is installed.", {{*program, "exists", ""}});
    if (program.error().kind != machine::ErrorKind::not_found) {
        return Finding::unknown("/usr/sbin/waagent", program.error());
    }
    std::vector<Evidence> evidence{{"/usr/sbin/waagent, /usr/bin/waagent", "missing", "the guest agent's program"},
                                   {"process waagent -daemon", "does not run", "runs"}};
    const auto& service = agent_service_of(machine);
    if (service) {
        evidence.push_back({"service " + service->name, "known to the service manager", "with its program"});
        return missing(machine, "The guest agent is installed only in part: it has a service, but no program.",
                       std::move(evidence));
    }
    if (service.error().kind != machine::ErrorKind::not_found) {
        return Finding::unknown("service walinuxagent or waagent", service.error());
    }
    evidence.push_back({"service walinuxagent or waagent", "missing", "installed and enabled"});
    return missing(machine, "The Azure Linux guest agent (waagent) is not installed.", std::move(evidence));
}

}  // namespace

Remediation remediation() {
    return {
        .id = "agent-not-installed",
        .title = "The guest agent is not installed",
        .layer = Layer::guest_agent,
        .scope = Scope::both,
        .error_codes = {"UserErrorGuestAgentStatusUnavailable", "GuestAgentSnapshotTaskStatusError",
                        "GuestAgentSnapshotTaskStatusErrorLin", "GuestAgentSnapshotTaskStatusErrorWin",
                        "UserErrorVmNotInDesirableState", "VMAgentStatusCommunicationError"},
        .explanation =
            "Azure Backup works through an extension, and extensions are run by the guest agent alone. Without it the "
            "vault reports that the agent does not answer. On Linux only the distribution's own package is right: it "
            "brings the service and fits the distribution's Python. On Windows images bring it, or its MSI.",
        .source = "https://learn.microsoft.com/azure/virtual-machines/extensions/agent-linux",
        .signals = all_judged(installer_events()),
        .consequences = {"agent-not-running", "agent-python-broken", "agent-program-missing", "agent-too-old",
                         "agent-hung", "backup-extension-state"},
        .diagnose = diagnose,
    };
}

}  // namespace remediations::causes::agent_not_installed
