#include <fmt/format.h>

#include <algorithm>
#include <boost/algorithm/string/predicate.hpp>
#include <optional>

#include "remediations/formats/duration_text.hpp"
#include "remediations/knowledge/agent/agent_events.hpp"
#include "remediations/knowledge/agent/windows_agent.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::agent_service_crashes {

using machine::ErrorKind;
using machine::Machine;

namespace {

using Duration = std::chrono::system_clock::duration;

/// A process that has run this long has not just crashed.
constexpr Duration stable_after = std::chrono::minutes(15);
/// The service manager restarts it within minutes. After this time it has given up, or the fault is gone.
constexpr Duration fresh = std::chrono::hours(1);

bool is_stable(const Machine& machine, const WindowsAgentService& agent) {
    const auto processes = agent_processes_of(machine, agent);
    return processes && std::ranges::any_of(*processes, [&](const auto& process) {
               return process.started != std::chrono::system_clock::time_point() &&
                      machine.facts().now - process.started >= stable_after;
           });
}

bool runs(const machine::Service& service) {
    return service.state == machine::ServiceState::running || service.state == machine::ServiceState::starting;
}

/// Returns true for Windows Server 2008 R2 and Windows 7.
bool is_too_old_for_the_newest_agent(const Machine& machine) {
    return machine.facts().os_version.starts_with("6.1") || machine.facts().os_version.starts_with("6.0");
}

std::string advice(const Machine& machine, const std::string& exception) {
    if (exception.ends_with("ConfigurationErrorsException") || exception.ends_with("TypeInitializationException")) {
        return "Repair the .NET configuration file that the event or C:\\WindowsAzure\\Logs\\TransparentInstaller.log "
               "names, machine.config as a rule, and restart RdAgent and WindowsAzureGuestAgent.";
    }
    const bool agent_is_too_new =
        exception.ends_with("DllNotFoundException") || exception.ends_with("ServiceInstallFailedException");
    if (agent_is_too_new && is_too_old_for_the_newest_agent(machine)) {
        return "The agent has updated itself to a version that this Windows cannot run. Install an older one again, "
               "2.7.41491.1183 or 2.7.41491.1010, from https://github.com/Azure/WindowsVMAgent/releases; it will "
               "update itself again unless Windows is upgraded, so choose a crash-consistent, agentless backup policy "
               "if the fault comes back.";
    }
    return fmt::format(
        "Remove what the events quoted here name: a damaged file, or the library of another product loaded into the "
        "agent. Where it comes from the agent's own files: {}",
        windows_agent_install_advice);
}

std::optional<Finding> crash_loop(const Machine& machine, const WindowsAgentService& agent) {
    const auto crashes = agent_crashes(machine, agent);
    if (crashes.times.size() < 2) return std::nullopt;
    const auto service = machine.services().find(agent.name);
    const bool is_missing = !service && service.error().kind == ErrorKind::not_found;
    if (is_missing || is_stable(machine, agent)) return std::nullopt;
    const bool just_now = machine.facts().now - crashes.times.front() < fresh;
    const bool given_up = (!service || !runs(*service)) && crashes.times.size() >= 3;
    if (!just_now && !given_up) return std::nullopt;
    std::vector<Evidence> evidence{
        {fmt::format("service {}", agent.name),
         fmt::format("ended unexpectedly {} times in 24 hours, last {} ago; {} now", crashes.times.size(),
                     duration_text(machine.facts().now - crashes.times.front()),
                     service ? to_string(service->state) : "not looked at"),
         "running without a break"}};
    evidence.insert(evidence.end(), crashes.evidence.begin(), crashes.evidence.end());
    return Finding::needs_operator(
        fmt::format("{} ends again and again{}.", agent.name,
                    crashes.exception.empty() ? "" : fmt::format(" with {}", crashes.exception)),
        std::move(evidence), advice(machine, crashes.exception));
}

Finding diagnose(const Machine& machine) {
    const auto service = machine.services().find(windows_guest_agent.name);
    const auto other = machine.services().find(rd_agent.name);
    if (!service && !other && service.error().kind == ErrorKind::not_found) {
        return Finding::not_applicable("The guest agent is not installed.");
    }
    for (const auto* agent : windows_agent_services) {
        if (auto finding = crash_loop(machine, *agent)) return *finding;
    }
    if (!service && !other) return Finding::unknown(fmt::format("service {}", rd_agent.name), other.error());
    return Finding::healthy("The guest agent has not crashed again and again of late.");
}

/// The events that say why the agent ends, and the lines of its own log, where the event log has nothing.
std::vector<Signal> proofs() {
    std::vector<Signal> all;
    for (const auto* exception : {"DllNotFoundException", "ServiceInstallFailedException"}) {
        const auto events = agent_ended_with(exception);
        all.insert(all.end(), events.begin(), events.end());
        all.push_back({.role = Role::proof,
                       .line = {Log::agent_installer, exception},
                       .revoked_by = signs_of_windows_agent_at_work()});
    }
    return all;
}

}  // namespace

Remediation remediation() {
    return {
        .id = "agent-service-crashes",
        .title = "The Windows guest agent crashes again and again",
        .layer = Layer::guest_agent,
        .scope = Scope::windows,
        .error_codes = {"UserErrorGuestAgentStatusUnavailable", "GuestAgentSnapshotTaskStatusError",
                        "GuestAgentSnapshotTaskStatusErrorWin", "VMAgentStatusCommunicationError"},
        .explanation =
            "RdAgent or WindowsAzureGuestAgent ends with an exception and the service manager starts it again, until "
            "it gives up. In between the agent may report Ready. The events of the service manager, of .NET and of "
            "Windows Error Reporting say how often, and what the exception is; one more restart changes nothing.",
        .source = "https://learn.microsoft.com/troubleshoot/azure/virtual-machines/windows/windows-azure-guest-agent",
        .signals = joined({all_judged(agent_crash_events()), proofs()}),
        .consequences = {"agent-not-running", "agent-hung", "agent-foreign-modules", "backup-extension-state"},
        .diagnose = diagnose,
    };
}

}  // namespace remediations::causes::agent_service_crashes
