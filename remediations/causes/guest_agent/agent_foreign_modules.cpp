#include <fmt/format.h>

#include <algorithm>
#include <boost/algorithm/string/predicate.hpp>
#include <set>

#include "remediations/knowledge/agent/agent_events.hpp"
#include "remediations/knowledge/agent/windows_agent.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::agent_foreign_modules {

using machine::ErrorKind;
using machine::Machine;
using machine::Path;

namespace {

/// Returns the libraries of other vendors that the agent's processes have loaded, with the vendor's name.
machine::Result<std::vector<Evidence>> foreign_modules(const Machine& machine) {
    constexpr std::size_t most_shown = 8;
    std::vector<Evidence> found;
    std::set<Path> seen;
    const auto own_folder = windows_agent_folder(machine) + "\\";
    for (const auto* agent : windows_agent_services) {
        const auto processes = agent_processes_of(machine, *agent);
        if (!processes) return processes.error();
        for (const auto& process : *processes) {
            const auto modules = machine.processes().modules(process.pid);
            if (!modules && modules.error().kind == ErrorKind::not_found) continue;  // it has ended
            if (!modules) return modules.error();
            for (const auto& module : *modules) {
                if (boost::istarts_with(module, own_folder) || !seen.insert(module).second) continue;
                const auto version = machine.files().version(module);
                // Images that .NET made of its own libraries have no version.
                const bool is_microsofts = !version || boost::istarts_with(version->company, "Microsoft");
                if (is_microsofts || found.size() == most_shown) continue;
                found.push_back({module,
                                 fmt::format("{} ({}), in {} (pid {})", version->product, version->company,
                                             process.name, process.pid),
                                 ""});
            }
        }
    }
    return found;
}

/// Every security product loads its library into every process. That is not a finding while the agent works.
Finding diagnose(const Machine& machine) {
    std::vector<Evidence> crashes;
    for (const auto* agent : windows_agent_services) {
        const auto found = agent_crashes(machine, *agent);
        crashes.insert(crashes.end(), found.evidence.begin(), found.evidence.end());
    }
    if (crashes.empty()) return Finding::healthy("The guest agent has not crashed in the last 24 hours.");
    auto modules = foreign_modules(machine);
    if (!modules) return Finding::unknown("libraries of the guest agent's processes", modules.error());
    if (modules->empty()) {
        return Finding::healthy("No library of another maker is loaded into the guest agent.", std::move(crashes));
    }
    crashes.insert(crashes.end(), modules->begin(), modules->end());
    return Finding::needs_operator(
               "The guest agent crashes, and libraries of other makers are loaded into it.", std::move(crashes),
               "If nothing else explains the crashes, exclude WaAppAgent.exe and WindowsAzureGuestAgent.exe in the "
               "products that these libraries belong to, or ask their makers for an update.")
        .as_risk();
}

}  // namespace

Remediation remediation() {
    return {
        .id = "agent-foreign-modules",
        .title = "Libraries of other makers are loaded into a guest agent that crashes",
        .layer = Layer::guest_agent,
        .scope = Scope::windows,
        .error_codes = {"UserErrorGuestAgentStatusUnavailable"},
        .explanation =
            "Security and monitoring products load libraries into every process. Where the guest agent crashes and "
            "nothing else explains it, they are the next thing to look at; in an agent that runs they are normal.",
        .source = "https://github.com/Azure/azure-support-scripts",
        .signals = all_judged(agent_crash_events()),
        .diagnose = diagnose,
    };
}

}  // namespace remediations::causes::agent_foreign_modules
