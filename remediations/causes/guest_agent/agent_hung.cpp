#include <fmt/format.h>

#include <algorithm>

#include "remediations/changes/changes.hpp"
#include "remediations/formats/duration_text.hpp"
#include "remediations/knowledge/agent/agent_processes.hpp"
#include "remediations/knowledge/agent/agent_service.hpp"
#include "remediations/knowledge/agent/agent_version.hpp"
#include "remediations/knowledge/agent/windows_agent.hpp"
#include "remediations/knowledge/configuration/extension_folder.hpp"
#include "remediations/knowledge/extension/backup_activity.hpp"
#include "remediations/knowledge/logs/line_prefix.hpp"
#include "remediations/knowledge/logs/log_evidence.hpp"
#include "remediations/knowledge/windows/registry_values.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::agent_hung {

using machine::Machine;

namespace {

using Duration = std::chrono::system_clock::duration;
using TimePoint = std::chrono::system_clock::time_point;

/// The loop that fetches goal states writes this every 30 minutes, since agent 2.2.47. Other threads write other lines,
/// so those prove little.
constexpr auto heartbeat_line = "[HEARTBEAT] Agent WALinuxAgent-";
constexpr std::string_view writes_heartbeats = "2.2.47";
/// One extension may keep the loop for 90 minutes.
constexpr Duration longest_silence = std::chrono::minutes(150);

/// An agent that cannot fetch its goal state logs this three times and then every six hours, without heartbeats.
constexpr const char* fetching_lines[] = {"Error fetching the goal state", "Fetching the goal state is still failing",
                                          "Protocol endpoint not found", "Exception retrieving extension handlers",
                                          "HostGAPlugin: Exception Get API versions"};
constexpr Duration longest_fetching_silence = std::chrono::hours(7);

/// Older agents have no heartbeat. They log when a goal state arrives, and every backup brings one.
constexpr Duration longest_silence_without_heartbeats = std::chrono::hours(48);

/// The daemon starts its child within seconds after it has found the wire server.
constexpr Duration longest_without_child = std::chrono::minutes(15);
/// Agents before 2.1 are one process.
constexpr std::string_view has_child = "2.1";

Finding hung(std::string summary, std::vector<Evidence> evidence) {
    return Finding::broken(std::move(summary), std::move(evidence), "Restart the guest agent.");
}

/// A process that waits in the kernel reacts to no signal. Only the end of that wait helps.
std::optional<Finding> blocked(const machine::Process& process, std::vector<Evidence>& evidence) {
    if (process.blocked_in.empty()) return std::nullopt;
    evidence.push_back(
        {"process " + std::to_string(process.pid), "waits in the kernel: " + process.blocked_in, "no such wait"});
    return Finding::needs_operator(
        "The guest agent hangs in the kernel, where no restart of its service can reach it.", evidence,
        "Find what it waits for (dmesg, dead network mounts, frozen or failing disks) and end that; else restart the "
        "VM.");
}

Finding examine_daemon_alone(const Machine& machine, const machine::Process& daemon, std::vector<Evidence> evidence) {
    const auto agent = goal_state_agent_version(machine);
    if (agent && compare_versions(agent->version, has_child) < 0) {
        return Finding::healthy("This old guest agent is a single process, which runs.", std::move(evidence));
    }
    evidence.push_back({"process waagent -run-exthandlers", "does not run", "runs, as child of the daemon"});
    for (const auto* text : fetching_lines) {
        if (const auto* line = machine.derived<LogEvidence>().find_current(Log::agent, text)) {
            evidence.push_back(line->newest.evidence(""));
            break;
        }
    }
    const auto runs_for = running_time(machine, daemon);
    if (!runs_for || *runs_for < longest_without_child) {
        return Finding::healthy("The guest agent has just been started.", std::move(evidence));
    }
    if (auto finding = blocked(daemon, evidence)) return *finding;
    // A daemon that writes is at work: it looks for the wire server, or starts its child again and again.
    const auto newest = machine.derived<LogEvidence>().newest_line(Log::agent);
    if (newest && machine.facts().now - *newest < longest_without_child) {
        evidence.push_back({"/var/log/waagent.log",
                            fmt::format("newest line {} old", duration_text(machine.facts().now - *newest)), ""});
        return Finding::healthy("The guest agent's daemon is at work, though its child does not run now.",
                                std::move(evidence));
    }
    return hung(fmt::format("The guest agent's daemon has been running for {}, but nothing processes goal states.",
                            duration_text(*runs_for)),
                std::move(evidence));
}

/// Returns the newest line that says that the goal state cannot be fetched, unless a heartbeat followed it.
const LogMatch* newest_failing_fetch(const Machine& machine, const LogMatch* heartbeat) {
    const LogMatch* newest = nullptr;
    for (const auto* text : fetching_lines) {
        const auto* match = machine.derived<LogEvidence>().find(Log::agent, text);
        if (!match || !match->newest.time) continue;
        if (heartbeat && heartbeat->newest.time > match->newest.time) continue;
        if (!newest || *newest->newest.time < *match->newest.time) newest = match;
    }
    return newest;
}

/// Judges by the log where it is not known if the agent hangs or does not run.
Finding examine_log_alone(const Machine& machine, const machine::Error& error) {
    auto finding = Finding::unknown("the list of processes", error);
    const auto newest = machine.derived<LogEvidence>().newest_line(Log::agent);
    const auto silence = newest ? machine.facts().now - *newest : Duration::zero();
    if (silence <= longest_silence_without_heartbeats) return finding;
    finding.evidence.insert(
        finding.evidence.begin(),
        {"/var/log/waagent.log", fmt::format("newest line {} old", duration_text(silence)), "at least one each day"});
    const auto* failing_fetch = newest_failing_fetch(machine, nullptr);
    const bool ends_with_it = failing_fetch && *newest - *failing_fetch->newest.time < std::chrono::minutes(30);
    if (ends_with_it) finding.evidence.push_back(failing_fetch->newest.evidence("the goal state is fetched"));
    auto silent = Finding::needs_operator(
        fmt::format("The guest agent has given no sign of work for {}: it hangs or does not run.",
                    duration_text(silence)),
        std::move(finding.evidence), "See whether its service runs, and restart it.");
    return ends_with_it ? silent : std::move(silent).as_risk();
}

constexpr auto setup_unfinished = "Waiting for OOBE to Complete";
/// The Windows agent writes several lines per hour. Old agents write local time without a zone, which may be wrong by
/// 14 hours.
constexpr Duration longest_silence_on_windows = std::chrono::hours(18);

/// Returns the time of the agent's last heartbeat to Azure, which it writes to the registry.
std::optional<TimePoint> registry_heartbeat(const Machine& machine) {
    const auto text = registry_text(machine, agent_heartbeat_key, "HeartbeatLastStatusUpdateTime");
    return text && *text ? parse_log_line(**text + " ", {}).time : std::nullopt;
}

/// Returns a finding while Windows is not set up completely: until then the agent waits and runs nothing.
std::optional<Finding> waits_for_setup(const Machine& machine, std::optional<TimePoint> newest) {
    const auto* line = machine.derived<LogEvidence>().find(Log::agent, setup_unfinished);
    if (!line || !line->newest.time || !newest || *newest - *line->newest.time > std::chrono::minutes(5)) {
        return std::nullopt;
    }
    return Finding::needs_operator(
        "The guest agent waits until the setup of Windows is finished, and runs no extension until then.",
        {line->newest.evidence("the setup of Windows is finished")},
        "Connect to the VM (Bastion, RDP or the serial console) and finish or repair the setup of Windows; a VM that "
        "was made from an image that sysprep had not prepared stays there.");
}

Finding diagnose_on_windows(const Machine& machine) {
    const auto processes = agent_processes_of(machine, windows_guest_agent);
    if (!processes) return Finding::unknown("the list of processes", processes.error());
    if (processes->empty()) return Finding::not_applicable("The guest agent does not run.");
    const auto& process = processes->front();
    const auto& logs = machine.derived<LogEvidence>();
    const auto newest = logs.newest_line(Log::agent);
    if (auto finding = waits_for_setup(machine, newest)) return *finding;
    const auto heartbeat = registry_heartbeat(machine);
    std::vector<Evidence> evidence{{"process", describe(process), ""}};
    const auto now = machine.facts().now;
    if (newest) {
        evidence.push_back({"WaAppAgent.log", fmt::format("newest line {} old", duration_text(now - *newest)), ""});
    }
    if (heartbeat) {
        evidence.push_back({std::string(agent_heartbeat_key) + "\\HeartbeatLastStatusUpdateTime",
                            fmt::format("{} ago", duration_text(now - *heartbeat)), "some minutes ago"});
    }
    if (const auto told = registry_text(machine, agent_state_key, "GuestAgentStatus"); told && *told) {
        evidence.push_back({std::string(agent_state_key) + "\\GuestAgentStatus", **told, ""});
    }
    if (!newest && !heartbeat) {
        return Finding::healthy("The guest agent runs; nothing tells what it does.", std::move(evidence));
    }
    auto sign = std::max(newest.value_or(TimePoint()), heartbeat.value_or(TimePoint()));
    // Lines of an earlier process say nothing about this one.
    if (process.started <= now) sign = std::max(sign, process.started);
    if (now - sign <= longest_silence_on_windows) {
        return Finding::healthy("The guest agent works.", std::move(evidence));
    }
    return hung(
        fmt::format("The guest agent's process runs, but has given no sign of work for {}.", duration_text(now - sign)),
        std::move(evidence));
}

Finding diagnose(const Machine& machine) {
    if (machine.facts().platform == machine::Platform::windows) return diagnose_on_windows(machine);
    const auto processes = agent_processes(machine);
    if (!processes) return examine_log_alone(machine, processes.error());
    if (!processes->any()) return Finding::not_applicable("The guest agent does not run.");
    if (!processes->goal_state_handler) {
        return examine_daemon_alone(machine, *processes->daemon, {{"process", describe(*processes->daemon), ""}});
    }
    const auto& handler = *processes->goal_state_handler;
    std::vector<Evidence> evidence{{"process", describe(handler), ""}};
    const auto runs_for = running_time(machine, handler);
    const auto& logs = machine.derived<LogEvidence>();
    const auto now = machine.facts().now;
    const auto newest = logs.newest_line(Log::agent);
    if (!newest) {
        evidence.push_back({"/var/log/waagent.log", "no line with a time", "a heartbeat every 30 minutes"});
        return Finding::healthy("The guest agent runs; it has no log that would tell what it does.",
                                std::move(evidence));
    }

    const auto* heartbeat = logs.find(Log::agent, heartbeat_line);
    const auto agent = goal_state_agent_version(machine);
    const bool has_heartbeats = agent ? compare_versions(agent->version, writes_heartbeats) >= 0 : heartbeat != nullptr;
    if (!has_heartbeats) heartbeat = nullptr;  // an agent of the past wrote it
    const auto* failing_fetch = newest_failing_fetch(machine, heartbeat);
    const bool fetching = failing_fetch && *failing_fetch->newest.time >= handler.started;
    auto sign = heartbeat && heartbeat->newest.time && !fetching ? *heartbeat->newest.time : *newest;
    // Lines of an earlier process say nothing about this one.
    if (runs_for) sign = std::max(sign, handler.started);
    const auto silence = now - sign;
    const auto allowed = fetching         ? longest_fetching_silence
                         : has_heartbeats ? longest_silence
                                          : longest_silence_without_heartbeats;
    if (failing_fetch) {
        evidence.push_back(failing_fetch->newest.evidence("the goal state is fetched"));
    } else if (heartbeat) {
        evidence.push_back(heartbeat->newest.evidence("not older than 30 minutes"));
    } else {
        evidence.push_back({"/var/log/waagent.log", fmt::format("newest line {} old", duration_text(now - *newest)),
                            "at least one each day"});
    }
    if (silence <= allowed) {
        return Finding::healthy(fetching ? "The guest agent works, but cannot fetch its goal state."
                                         : "The guest agent looks for goal states.",
                                std::move(evidence));
    }
    if (const auto backups = running_backup_processes(machine); backups && !backups->empty()) {
        evidence.push_back({"process", backups->front(), "it keeps the agent busy"});
    }
    if (auto finding = blocked(handler, evidence)) return *finding;
    return hung(
        fmt::format("The guest agent's process runs, but has given no sign of work for {}.", duration_text(silence)),
        std::move(evidence));
}

machine::Result<void> fix(const Finding&, Changes& changes) {
    return replace_running_agent(changes);
}

}  // namespace

Remediation remediation() {
    return {
        .id = "agent-hung",
        .title = "The guest agent runs, but does nothing",
        .layer = Layer::guest_agent,
        .scope = Scope::both,
        .error_codes = {"UserErrorGuestAgentStatusUnavailable", "GuestAgentSnapshotTaskStatusError",
                        "GuestAgentSnapshotTaskStatusErrorLin", "GuestAgentSnapshotTaskStatusErrorWin",
                        "VMAgentStatusCommunicationError", "ManagedRPCreationFailedInCrpButExtensionSucceeded",
                        "VMRestorePointInternalError", "InternalError"},
        .disruption = Disruption::agent_restart,
        .explanation =
            "The agent's service runs, but what fetches goal states has stopped: its heartbeat in waagent.log, due "
            "every 30 minutes, is hours old, or its second process is missing; on Windows its log and its heartbeat in "
            "the registry stand still. No extension runs and no status is sent. The fix restarts the agent.",
        .source = "https://github.com/Azure/WALinuxAgent/issues/821",
        .signals = {judged(Log::agent, heartbeat_line), judged(Log::agent, fetching_lines[0]),
                    judged(Log::agent, fetching_lines[1]), judged(Log::agent, fetching_lines[2]),
                    judged(Log::agent, fetching_lines[3]), judged(Log::agent, fetching_lines[4]),
                    judged(Log::agent, setup_unfinished)},
        .consequences = {"backup-extension-state", "agent-status-not-reported"},
        .diagnose = diagnose,
        .fix = fix,
    };
}

}  // namespace remediations::causes::agent_hung
