#include <fmt/format.h>

#include <algorithm>

#include "remediations/changes/changes.hpp"
#include "remediations/knowledge/agent/agent_package.hpp"
#include "remediations/knowledge/agent/agent_processes.hpp"
#include "remediations/knowledge/agent/agent_service.hpp"
#include "remediations/knowledge/agent/agent_version.hpp"
#include "remediations/knowledge/configuration/agent_configuration.hpp"
#include "remediations/knowledge/configuration/extension_folder.hpp"
#include "remediations/knowledge/logs/log_evidence.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::goal_state_cache_damaged {

using machine::Machine;
using machine::Path;

namespace {

constexpr auto missing_line = "Exception retrieving extension handlers: [ProtocolError]";
/// Agents from this version on need no such file.
constexpr std::string_view works_without = "2.2.21";

/// Returns the cached files of a goal state: <name>.<n>.xml, and the file with the number of the newest one.
std::vector<Path> cache_in(const Machine& machine, const Path& library) {
    std::vector<Path> files;
    const auto names = machine.files().list(library);
    if (!names) return files;
    for (const auto& name : *names) {
        std::string_view rest = name;
        const bool is_xml = rest.ends_with(".xml");
        if (is_xml) rest.remove_suffix(4);
        const auto dot = rest.find_last_of('.');
        const auto number = dot == rest.npos ? std::string_view() : rest.substr(dot + 1);
        const bool numbered = !number.empty() && number.find_first_not_of("0123456789") == number.npos;
        if ((is_xml && numbered) || name == "Incarnation") files.push_back(library + "/" + name);
    }
    return files;
}

Finding diagnose(const Machine& machine) {
    const auto agent = goal_state_agent_version(machine);
    if (!agent && agent.error().kind != machine::ErrorKind::not_found) {
        return Finding::unknown("version of the guest agent", agent.error());
    }
    if (!agent || compare_versions(agent->version, works_without) >= 0) {
        return Finding::not_applicable("This guest agent does not depend on cached goal states.");
    }
    const auto* line = machine.derived<LogEvidence>().find_current(Log::agent, missing_line);
    const bool is_it = line && line->newest.text.find("GoalState.") != std::string::npos &&
                       line->newest.text.find("is missing") != std::string::npos;
    const auto processes = agent_processes(machine);
    if (!processes) return Finding::unknown("the list of processes", processes.error());
    const bool restarted_since = line && line->newest.time && processes->goal_state_handler &&
                                 processes->goal_state_handler->started > *line->newest.time;
    std::vector<Evidence> evidence{
        {agent->where, "agent " + agent->version, fmt::format("{} or later", recommended_agent_version)}};
    if (is_it) evidence.push_back(line->newest.evidence("the file is there"));
    if (!is_it || restarted_since) {
        return Finding::healthy("The agent does not miss a cached goal state.", std::move(evidence));
    }
    const auto library = agent_library_folder(machine);
    auto finding = Finding::broken(
        "The agent's cached goal state is gone, and this old agent processes no extension without it.",
        std::move(evidence),
        fmt::format("Move the files <name>.<n>.xml and Incarnation out of {}, restart the guest agent, and update it. "
                    "{}",
                    library, install_advice(machine)));
    finding.subjects = cache_in(machine, library);
    return finding;
}

machine::Result<void> fix(const Finding& finding, Changes& changes) {
    for (const auto& file : finding.subjects) {
        if (auto moved = changes.quarantine(file); !moved) return moved;
    }
    return restart_agent(changes);
}

}  // namespace

Remediation remediation() {
    return {
        .id = "goal-state-cache-damaged",
        .title = "The cached goal state of an old guest agent is damaged",
        .layer = Layer::guest_agent,
        .scope = Scope::linux,
        .error_codes = {"GuestAgentSnapshotTaskStatusError", "UserErrorGuestAgentStatusUnavailable"},
        .disruption = Disruption::agent_restart,
        .explanation =
            "Agents up to 2.2.20 read their goal state from GoalState.<n>.xml and fetch it only when its number "
            "changes: where the file is gone they process nothing. The fix moves what is left of that cache, with the "
            "number, into quarantine and restarts the agent, which then fetches all of it. Newer agents have no such "
            "file, and that is no fault.",
        .source = "https://github.com/Azure/WALinuxAgent/issues/945",
        .signals = {judged(Log::agent, missing_line),
                    {.role = Role::proof, .line = {Log::agent, missing_line}, .with = {"is missing"}}},
        .consequences = {"backup-extension-state", "agent-too-old", "agent-hung"},
        .diagnose = diagnose,
        .fix = fix,
    };
}

}  // namespace remediations::causes::goal_state_cache_damaged
