#include <fmt/format.h>
#include <fmt/ranges.h>

#include <boost/algorithm/string/find.hpp>

#include "remediations/changes/changes.hpp"
#include "remediations/knowledge/agent/windows_agent.hpp"
#include "remediations/knowledge/windows/registry_values.hpp"
#include "remediations/knowledge/windows/windows_paths.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::agent_program_missing {

using machine::ErrorKind;
using machine::Machine;
using machine::Path;
using machine::RegistryValue;
using machine::Result;

namespace {

std::string key_of(const std::string& service) {
    return "HKLM\\SYSTEM\\CurrentControlSet\\Services\\" + service;
}

/// Returns the program that the service manager will start. Reads the registry, because the service manager may
/// remember an older value.
Result<Path> started_program(const Machine& machine, const machine::Service& service, const char* name) {
    const auto text = registry_text(machine, key_of(name), "ImagePath");
    if (!text) return text.error();
    return program_of(machine, *text ? **text : service.binary);
}

/// Returns the command line with another program and the same arguments.
std::string with_program(const std::string& command_line, const Path& program) {
    const bool is_quoted = command_line.starts_with('"');
    const auto end = is_quoted ? command_line.find('"', 1) : std::string::npos;
    auto arguments = is_quoted && end != std::string::npos ? command_line.substr(end + 1) : std::string();
    if (!is_quoted) {
        if (const auto found = boost::ifind_first(command_line, ".exe"); !found.empty()) {
            arguments.assign(found.end(), command_line.end());
        }
    }
    return (program.find(' ') == Path::npos ? program : "\"" + program + "\"") + arguments;
}

struct Lost {
    const WindowsAgentService* agent = nullptr;
    Path program;  ///< the missing program
    std::string seen;
    Result<Path> substitute;
};

Result<std::vector<Lost>> lost_programs(const Machine& machine) {
    std::vector<Lost> lost;
    for (const auto* agent : windows_agent_services) {
        const auto service = machine.services().find(agent->name);
        if (!service && service.error().kind == ErrorKind::not_found) continue;
        if (!service) return service.error();
        const auto program = started_program(machine, *service, agent->name);
        if (!program) return program.error();
        if (program->empty()) continue;
        const auto status = machine.files().status(*program);
        if (!status && status.error().kind != ErrorKind::not_found) return status.error();
        if (status && status->size > 0) continue;
        lost.push_back({agent, *program, status ? "empty" : "missing", newest_agent_program(machine, *agent)});
    }
    return lost;
}

Finding diagnose(const Machine& machine) {
    const auto lost = lost_programs(machine);
    if (!lost) return Finding::unknown("the programs of the guest agent's services", lost.error());
    if (lost->empty()) return Finding::healthy("The guest agent's services start programs that are there.");
    std::vector<Evidence> evidence;
    std::vector<std::string> names;
    std::vector<std::string> subjects;
    std::vector<std::string> advice;
    for (const auto& entry : *lost) {
        evidence.push_back({fmt::format("{}\\ImagePath", key_of(entry.agent->name)),
                            fmt::format("{}, which is {}", entry.program, entry.seen),
                            entry.substitute ? *entry.substitute : "a program that exists"});
        names.push_back(fmt::format("{} starts {}, which is {}", entry.agent->name, entry.program, entry.seen));
        if (!entry.substitute) continue;
        subjects.push_back(entry.agent->name);
        advice.push_back(fmt::format("set ImagePath of {} to {}", entry.agent->name, *entry.substitute));
    }
    const auto summary = fmt::format("Service {}.", fmt::join(names, "; "));
    if (subjects.size() < lost->size()) {
        return Finding::needs_operator(summary, std::move(evidence), windows_agent_install_advice);
    }
    auto finding = Finding::broken(
        summary, std::move(evidence),
        fmt::format("The agent's program is elsewhere: {}, and start the service.", fmt::join(advice, ", ")));
    finding.subjects = std::move(subjects);
    return finding;
}

Result<void> fix(const Finding&, Changes& changes) {
    const auto lost = lost_programs(changes.machine());
    if (!lost) return lost.error();
    for (const auto& entry : *lost) {
        if (!entry.substitute) return entry.substitute.error();
        const auto key = key_of(entry.agent->name);
        const auto before = changes.machine().registry().value(key, "ImagePath");
        const auto* text = before ? std::get_if<std::string>(&before->data) : nullptr;
        const RegistryValue wanted{before ? before->type : machine::RegistryType::expand_string,
                                   with_program(text ? *text : std::string(), *entry.substitute)};
        if (auto set = changes.set_registry_value(key, "ImagePath", wanted); !set) return set;
    }
    for (const auto& entry : *lost) {
        const auto service = changes.machine().services().find(entry.agent->name);
        // Disabled is the next cause's business.
        if (service && service->start == machine::StartType::disabled) continue;
        if (auto started = changes.restart_service(entry.agent->name); !started) return started;
    }
    return {};
}

}  // namespace

Remediation remediation() {
    return {
        .id = "agent-program-missing",
        .title = "A service of the Windows guest agent starts a program that is not there",
        .layer = Layer::guest_agent,
        .scope = Scope::windows,
        .error_codes = {"UserErrorGuestAgentStatusUnavailable", "GuestAgentSnapshotTaskStatusError",
                        "GuestAgentSnapshotTaskStatusErrorWin", "BackUpOperationFailed", "BackUpOperationFailedV2"},
        .disruption = Disruption::agent_restart,
        .explanation =
            "The agent updates itself into new folders (GuestAgent_<version>_<time>, Packages_<time>) and points its "
            "services there. A cleaned or half updated disk leaves them pointing at a program that is gone, though "
            "another copy may be there. The fix sets ImagePath to the newest copy, as the agent's installer does, and "
            "starts the service. Without a copy the agent has to be installed again.",
        .source = "https://learn.microsoft.com/troubleshoot/azure/virtual-machines/windows/windows-azure-guest-agent",
        .consequences = {"agent-not-running", "agent-hung", "agent-service-crashes", "agent-too-old",
                         "backup-extension-state"},
        .diagnose = diagnose,
        .fix = fix,
    };
}

}  // namespace remediations::causes::agent_program_missing
