#include <fmt/format.h>

#include <boost/json.hpp>

#include "remediations/changes/changes.hpp"
#include "remediations/knowledge/agent/agent_processes.hpp"
#include "remediations/knowledge/agent/agent_service.hpp"
#include "remediations/knowledge/agent/agent_version.hpp"
#include "remediations/knowledge/configuration/agent_configuration.hpp"
#include "remediations/knowledge/configuration/extension_folder.hpp"
#include "remediations/knowledge/logs/log_evidence.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::agent_update_failed {

namespace json = boost::json;

using machine::ErrorKind;
using machine::Machine;
using machine::Path;

namespace {

constexpr const char* failure_lines[] = {"Attempted enough update retries for version",
                                         "Unable to update Agent: ", " is permanently blacklisted"};

/// The agent's own rule: after three failures, or a fatal one, it never starts this version again.
constexpr std::int64_t most_failures = 3;

/// Returns the faults of a downloaded agent; empty where there are none.
std::vector<Evidence> faults_of(const Machine& machine, const Path& folder) {
    std::vector<Evidence> faults;
    const auto manifest = folder + "/HandlerManifest.json";
    const auto status = machine.files().status(manifest);
    if (!status && status.error().kind == ErrorKind::not_found) {
        faults.push_back({manifest, "missing", "says how to start this agent"});
    } else if (status && status->size == 0) {
        faults.push_back({manifest, "empty", "says how to start this agent"});
    }
    const auto file = folder + "/error.json";
    const auto text = machine.files().read(file, 65536);
    if (!text) return faults;
    boost::system::error_code error;
    const auto document = json::parse(*text, error, {}, {.max_depth = 8});
    const auto* object = error ? nullptr : document.if_object();
    if (!object) return faults;  // the agent deletes such a file itself
    const auto* fatal = object->if_contains("was_fatal");
    const auto* count = object->if_contains("failure_count");
    const auto* failures = count ? count->if_int64() : nullptr;
    const bool given_up = (fatal && fatal->is_bool() && fatal->get_bool()) || (failures && *failures >= most_failures);
    if (!given_up) return faults;
    const auto* reason = object->if_contains("reason");
    const auto* why = reason ? reason->if_string() : nullptr;
    faults.push_back({file,
                      fmt::format("given up after {} failures{}", failures ? *failures : 1,
                                  why && !why->empty() ? ": " + std::string(*why).substr(0, 300) : ""),
                      "no failure"});
    return faults;
}

Finding diagnose(const Machine& machine) {
    const auto newest = newest_downloaded_agent(machine);
    if (!newest && newest.error().kind == ErrorKind::not_found) {
        return Finding::healthy("The guest agent has downloaded no newer version of itself.");
    }
    if (!newest) return Finding::unknown(agent_library_folder(machine), newest.error());
    auto evidence = faults_of(machine, newest->where);
    if (evidence.empty()) {
        return Finding::healthy(fmt::format("The newest downloaded agent, {}, is whole.", newest->version),
                                {{newest->where, "HandlerManifest.json is there", ""}});
    }
    const auto processes = agent_processes(machine);
    const auto installed = installed_agent_version(machine);
    const bool another_runs = processes && processes->goal_state_handler;
    const auto running = another_runs ? goal_state_agent_version(machine) : installed;
    if (running && compare_versions(running->version, newest->version) >= 0) {
        evidence.push_back({running->where, running->seen, ""});
        return Finding::healthy(fmt::format("The downloaded agent {} cannot start, and is not needed beside {}.",
                                            newest->version, running->version),
                                std::move(evidence));
    }
    if (running) {
        evidence.push_back({running->where, running->seen, newest->version});
    }
    for (const auto* text : failure_lines) {
        if (const auto* line = machine.derived<LogEvidence>().find_current(Log::agent, text)) {
            evidence.push_back(line->newest.evidence(""));
        }
    }
    auto finding = Finding::broken(
        fmt::format("The guest agent cannot start version {} of itself{}.", newest->version,
                    running ? fmt::format("; {} is what it falls back to", running->version) : ""),
        std::move(evidence),
        fmt::format("Move {} away and restart the guest agent, which downloads it again.", newest->where));
    finding.subjects = {newest->where};
    // With another version at work, backups go on.
    return another_runs ? std::move(finding).as_risk() : finding;
}

machine::Result<void> fix(const Finding& finding, Changes& changes) {
    const auto& folder = finding.subjects.front();
    if (auto moved = changes.quarantine(folder); !moved) return moved;
    // Kept by some versions, and unpacked again.
    if (const auto package = folder + ".zip"; changes.machine().files().status(package)) {
        if (auto moved = changes.quarantine(package); !moved) return moved;
    }
    return restart_agent(changes);
}

}  // namespace

Remediation remediation() {
    return {
        .id = "agent-update-failed",
        .title = "The guest agent cannot start the newer version it downloaded",
        .layer = Layer::guest_agent,
        .scope = Scope::linux,
        .error_codes = {"UserErrorGuestAgentStatusUnavailable", "GuestAgentSnapshotTaskStatusError",
                        "UserErrorGuestAgentVersionUnsupported"},
        .disruption = Disruption::agent_restart,
        .explanation =
            "The agent keeps newer versions of itself in WALinuxAgent-<version> below its library folder. One that is "
            "damaged, or that failed three times, is not started again (error.json), and the VM stays with an older "
            "agent, or, where that one fails too, without any. The fix moves the damaged version away and restarts the "
            "agent.",
        .source = "https://github.com/Azure/WALinuxAgent/blob/master/azurelinuxagent/ga/guestagent.py",
        .signals = {judged(Log::agent, failure_lines[0]), judged(Log::agent, failure_lines[1]),
                    judged(Log::agent, failure_lines[2])},
        .consequences = {"agent-too-old", "agent-crash-looping", "agent-hung"},
        .diagnose = diagnose,
        .fix = fix,
    };
}

}  // namespace remediations::causes::agent_update_failed
