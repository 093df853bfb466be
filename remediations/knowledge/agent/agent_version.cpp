#include "remediations/knowledge/agent/agent_version.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "remediations/knowledge/agent/agent_processes.hpp"
#include "remediations/knowledge/agent/windows_agent.hpp"
#include "remediations/knowledge/configuration/agent_configuration.hpp"
#include "remediations/knowledge/configuration/extension_folder.hpp"
#include "remediations/knowledge/logs/log_evidence.hpp"
#include "remediations/knowledge/windows/registry_values.hpp"
#include "remediations/knowledge/windows/windows_paths.hpp"

namespace remediations {

using machine::Error;
using machine::ErrorKind;
using machine::Machine;
using machine::Path;
using machine::Result;

namespace {

/// Debian, Red Hat, SUSE and Ubuntu; Mariner, Photon, Arch and Clear Linux; Flatcar; installed from source.
constexpr const char* programs[] = {"/usr/sbin/waagent", "/usr/bin/waagent", "/usr/share/oem/bin/waagent",
                                    "/usr/local/sbin/waagent", "/usr/local/bin/waagent"};

/// The folders of Python's packages: <library>/python<n>/<one of these>.
constexpr const char* libraries[] = {"/usr/lib", "/usr/local/lib"};
constexpr const char* package_folders[] = {"dist-packages", "site-packages"};

/// Finds the line of a file that has a version in it.
std::optional<AgentVersion> version_of_file(const Machine& machine, const Path& path) {
    const auto text = machine.files().read(path);
    if (!text) return std::nullopt;
    for (std::string_view rest = *text; !rest.empty();) {
        const auto line = rest.substr(0, rest.find('\n'));
        if (auto version = agent_version_in(line)) return AgentVersion{std::move(*version), path, std::string(line)};
        rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    }
    return std::nullopt;
}

std::optional<AgentVersion> version_of_python_package(const Machine& machine) {
    std::optional<AgentVersion> newest;
    for (const std::string library : libraries) {
        const auto names = machine.files().list(library);
        if (!names) continue;
        for (const auto& name : *names) {
            if (!name.starts_with("python")) continue;
            for (const auto* folder : package_folders) {
                auto found = version_of_file(
                    machine, library + "/" + name + "/" + folder + "/azurelinuxagent/common/version.py");
                if (found && (!newest || compare_versions(newest->version, found->version) < 0)) {
                    newest = std::move(found);
                }
            }
        }
    }
    return newest;
}

}  // namespace

std::optional<std::string> agent_version_in(std::string_view text) {
    for (const std::string_view mark :
         {"WALinuxAgent-", "WALinuxAgent==", "AGENT_VERSION = '", "Linux Agent Version:"}) {
        for (auto at = text.find(mark); at != text.npos; at = text.find(mark, at + 1)) {
            auto version = text.substr(at + mark.size());
            version.remove_prefix(std::min(version.find_first_not_of(' '), version.size()));
            version = version.substr(0, version.find_first_not_of("0123456789."));
            while (version.ends_with('.')) version.remove_suffix(1);
            if (version.find('.') != version.npos && version.front() != '.') return std::string(version);
        }
    }
    return std::nullopt;
}

Result<Path> agent_program(const Machine& machine) {
    for (const auto* path : programs) {
        const auto status = machine.files().status(path);
        if (status) return Path(path);
        if (status.error().kind != ErrorKind::not_found) return status.error();
    }
    return machine::Error::not_found(std::string(programs[0]) + " does not exist");
}

Result<AgentVersion> installed_agent_version(const Machine& machine) {
    const auto program = agent_program(machine);
    if (!program) return program.error();
    if (auto version = version_of_file(machine, *program)) return *version;
    if (auto version = version_of_python_package(machine)) return *version;
    return machine::Error::not_found(*program + " does not tell its version");
}

Result<AgentVersion> newest_downloaded_agent(const Machine& machine) {
    const auto library = agent_library_folder(machine);
    const auto names = machine.files().list(library);
    if (!names) return names.error();
    std::optional<AgentVersion> newest;
    for (const auto& name : *names) {
        const auto version = name.ends_with(".zip") ? std::nullopt : agent_version_in(name);
        if (!version || (newest && compare_versions(*version, newest->version) < 0)) continue;
        newest = AgentVersion{*version, library + "/" + name, name};
    }
    if (newest) return *newest;
    return machine::Error::not_found("there is no downloaded agent in " + library);
}

namespace {

/// Where nothing else is known: returns the version in the newest log line that names one.
Result<AgentVersion> version_in_log(const Machine& machine, const Error& otherwise) {
    for (const auto* text : lines_with_agent_version) {
        const auto* match = machine.derived<LogEvidence>().find(Log::agent, text);
        auto version = match ? agent_version_in(match->newest.text) : std::nullopt;
        if (version) return AgentVersion{std::move(*version), match->newest.file, match->newest.text.substr(0, 200)};
    }
    return otherwise;
}

}  // namespace

Result<AgentVersion> goal_state_agent_version(const Machine& machine) {
    const auto processes = agent_processes(machine);
    if (!processes) return version_in_log(machine, processes.error());
    if (processes->goal_state_handler) {
        const auto seen = describe(*processes->goal_state_handler);
        if (auto version = agent_version_in(seen)) return AgentVersion{std::move(*version), "process", seen};
        auto installed = installed_agent_version(machine);  // the daemon's own program processes goal states
        return installed ? installed : version_in_log(machine, installed.error());
    }
    auto installed = installed_agent_version(machine);
    auto downloaded = newest_downloaded_agent(machine);
    if (downloaded && (!installed || compare_versions(installed->version, downloaded->version) < 0)) {
        return downloaded;
    }
    if (!installed && installed.error().kind != ErrorKind::not_found) return version_in_log(machine, installed.error());
    return installed;
}

Result<AgentVersion> windows_agent_version(const Machine& machine) {
    const auto is_version = [](const std::string& text) {
        return text.find('.') != text.npos && text.find_first_not_of("0123456789.") == text.npos;
    };
    const auto told = registry_text(machine, agent_state_key, "GuestAgentVersion");
    if (told && *told && is_version(**told)) {
        return AgentVersion{**told, std::string(agent_state_key) + "\\GuestAgentVersion", **told};
    }
    const auto service = machine.services().find(windows_guest_agent.name);
    if (!service) return service.error();
    const auto program = program_of(machine, service->binary);
    const auto version = machine.files().version(program);
    if (!version) return version.error();
    const auto text = fmt::format("{}", fmt::join(version->number, "."));
    return AgentVersion{text, program, text};
}

}  // namespace remediations
