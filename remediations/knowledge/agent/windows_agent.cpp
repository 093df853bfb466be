#include "remediations/knowledge/agent/windows_agent.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/algorithm/string/predicate.hpp>

#include "remediations/knowledge/configuration/extension_folder.hpp"
#include "remediations/knowledge/windows/registry_values.hpp"
#include "remediations/knowledge/windows/windows_paths.hpp"
#include "remediations/machine/process_list.hpp"

namespace remediations {

using machine::Machine;
using machine::Path;
using machine::Result;

namespace {

constexpr std::string_view agent_folder_name = "\\WindowsAzure";

/// Returns "2.7.41491.1172" for "GuestAgent_2.7.41491.1172_2026-10-02_031501"; empty for Packages.
std::string version_in(const std::string& folder) {
    const auto start = folder.find('_');
    if (start == std::string::npos || !boost::istarts_with(folder, "GuestAgent_")) return {};
    return folder.substr(start + 1, folder.find('_', start + 1) - start - 1);
}

bool can_hold_agent(const std::string& folder) {
    return boost::istarts_with(folder, "GuestAgent_") || boost::iequals(folder, "Packages") ||
           boost::istarts_with(folder, "Packages_");
}

}  // namespace

Path windows_agent_folder(const Machine& machine) {
    for (const auto* agent : windows_agent_services) {
        const auto service = machine.services().find(agent->name);
        if (!service) continue;
        const auto program = program_of(machine, service->binary);
        const auto found = boost::ifind_first(program, std::string(agent_folder_name) + "\\");
        if (!found.empty()) return program.substr(0, static_cast<std::size_t>(found.end() - program.begin()) - 1);
    }
    return machine.facts().system_drive + std::string(agent_folder_name);
}

Result<Path> newest_agent_program(const Machine& machine, const WindowsAgentService& service) {
    const auto folder = windows_agent_folder(machine);
    const auto names = machine.files().list(folder);
    if (!names) return names.error();
    std::vector<std::string> candidates;
    std::ranges::copy_if(*names, std::back_inserter(candidates), can_hold_agent);
    // The highest version first; of one version, and of those without one, the latest.
    std::ranges::sort(candidates, [](const auto& left, const auto& right) {
        const auto order = compare_versions(version_in(left), version_in(right));
        return order != 0 ? order > 0 : left > right;
    });
    for (const auto& candidate : candidates) {
        for (const auto* below : {"", "\\GuestAgent"}) {
            const auto path = fmt::format("{}\\{}{}\\{}", folder, candidate, below, service.program);
            const auto status = machine.files().status(path);
            if (status && status->kind == machine::FileKind::regular && status->size > 0) return path;
        }
    }
    return machine::Error::not_found(fmt::format("there is no {} below {}", service.program, folder));
}

std::optional<Evidence> agent_installer_entry(const Machine& machine) {
    constexpr const char* places[] = {R"(HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall)",
                                      R"(HKLM\SOFTWARE\WOW6432Node\Microsoft\Windows\CurrentVersion\Uninstall)"};
    for (const auto* place : places) {
        const auto entries = machine.registry().subkeys(place);
        if (!entries) continue;
        for (const auto& entry : *entries) {
            const auto key = fmt::format("{}\\{}", place, entry);
            const auto name = registry_text(machine, key, "DisplayName");
            if (!name || !*name || !boost::istarts_with(**name, "Windows Azure VM Agent")) continue;
            return Evidence{key, **name, ""};
        }
    }
    return std::nullopt;
}

std::vector<std::string> signs_of_windows_agent_at_work() {
    return {"Driving to new goal state", "Try installing/enabling extension(s).", "Successfully enabled plugin "};
}

Result<std::vector<machine::Process>> agent_processes_of(const Machine& machine, const WindowsAgentService& service) {
    const auto& processes = machine.derived<machine::ProcessList>().processes();
    if (!processes) return processes.error();
    std::vector<machine::Process> found;
    std::ranges::copy_if(*processes, std::back_inserter(found),
                         [&](const auto& process) { return boost::iequals(process.name, service.program); });
    return found;
}

}  // namespace remediations
