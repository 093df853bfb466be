#include <fmt/format.h>

#include "remediations/formats/duration_text.hpp"
#include "remediations/knowledge/agent/agent_package.hpp"
#include "remediations/knowledge/agent/agent_processes.hpp"
#include "remediations/knowledge/agent/agent_service.hpp"
#include "remediations/knowledge/agent/crash_log.hpp"
#include "remediations/knowledge/logs/log_evidence.hpp"
#include "remediations/knowledge/reasons/meaning.hpp"
#include "remediations/knowledge/reasons/reasons_in.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::agent_crash_looping {

using machine::Machine;

namespace {

using Duration = std::chrono::system_clock::duration;

/// Lines in which the agent's two processes log their own end, with the exception or the exit code.
constexpr const char* crash_lines[] = {
    " failed with exception: ", " failed with return code: ", "Daemon ended with exception"};

/// A process that has run this long has not just crashed.
constexpr Duration stable_after = std::chrono::minutes(15);
/// An earlier end does not matter any more.
constexpr Duration fresh = std::chrono::hours(1);
constexpr std::uint32_t many_restarts = 3;

bool is_stable(const Machine& machine, const std::optional<machine::Process>& process) {
    if (!process) return false;
    const auto runs_for = running_time(machine, *process);
    return !runs_for || *runs_for >= stable_after;
}

/// Returns the newest line in which the agent logged its end.
const LogMatch* newest_crash(const Machine& machine) {
    const LogMatch* newest = nullptr;
    for (const auto* text : crash_lines) {
        const auto* match = machine.derived<LogEvidence>().find(Log::agent, text);
        if (!match || !match->newest.time || match->count < 2) continue;
        if (match->newest.text.find("download failed") != std::string::npos) continue;  // no process ended
        if (!newest || *newest->newest.time < *match->newest.time) newest = match;
    }
    return newest;
}

/// Returns ", with NameError (...)": the exception of the newest crash, or the exit code, or nothing.
std::string reason_of(const LogMatch* crash, const std::vector<Evidence>& evidence) {
    const auto& text = crash ? crash->newest.text : evidence.empty() ? std::string() : evidence.back().seen;
    const auto reasons = reasons_in(text);
    return reasons.empty() ? std::string() : fmt::format(", with {}", description_of(reasons.front()));
}

Finding diagnose(const Machine& machine) {
    const auto processes = agent_processes(machine);
    if (!processes) return Finding::unknown("the list of processes", processes.error());
    std::vector<Evidence> evidence;
    if (processes->goal_state_handler) {
        evidence.push_back({"process", describe(*processes->goal_state_handler), ""});
        if (is_stable(machine, processes->goal_state_handler)) {
            return Finding::healthy("The guest agent runs without a break.", std::move(evidence));
        }
    }
    const auto& service = agent_service_of(machine);
    if (!service && service.error().kind == machine::ErrorKind::not_found) {
        return Finding::not_applicable("The service manager knows no guest agent.");
    }
    if (!service) return Finding::unknown("service walinuxagent or waagent", service.error());

    const auto place = "service " + service->name;
    const bool restarts_again_and_again =
        service->state == machine::ServiceState::starting ||
        (service->restart_count >= many_restarts && !is_stable(machine, processes->daemon));
    if (restarts_again_and_again) {
        evidence.push_back(
            {place, fmt::format("{}, started again {} times", to_string(service->state), service->restart_count),
             "running since its first start"});
        if (const auto line = decisive_line(newest_journal_lines(machine, service->name)); !line.empty()) {
            evidence.push_back({"journal of " + service->name, line, ""});
        }
    }
    const auto* crash = newest_crash(machine);
    const auto now = machine.facts().now;
    // Somebody has started it again since; it is not yet known if that helped.
    const bool started_since =
        crash && service->restart_count == 0 && processes->daemon && processes->daemon->started > *crash->newest.time;
    const bool crashed_just_now = crash && now - *crash->newest.time < fresh && !started_since;
    if (crash) evidence.push_back(crash->newest.evidence("no such line"));
    if (!restarts_again_and_again && !crashed_just_now) {
        return Finding::healthy("The guest agent has not crashed lately.", std::move(evidence));
    }
    const auto reason = reason_of(crash, evidence);
    if (const auto filled = crash_that_fills_the_log(machine)) {
        evidence.push_back(filled->log);
        return Finding::needs_operator(
            fmt::format("The guest agent crashes again and again{}, and the log that it writes over that, {}, fills "
                        "the disk.",
                        reason, filled->log.where),
            std::move(evidence),
            fmt::format("Update the guest agent to the newest version, or install it again, stop it until then "
                        "(systemctl stop {}), and delete {}: the full disk is a consequence. {}",
                        service->name, filled->log.where, install_advice(machine)));
    }
    return Finding::needs_operator(
        fmt::format("The guest agent crashes again and again{}; it says why in the last line quoted here.", reason),
        std::move(evidence),
        fmt::format(
            "Update the guest agent to the newest version, or install it afresh, where its own files fail; remove "
            "what that line names where it is something else. See /var/log/waagent.log and journalctl -u {}. "
            "{}",
            service->name, install_advice(machine)));
}

}  // namespace

Remediation remediation() {
    return {
        .id = "agent-crash-looping",
        .title = "The guest agent crashes again and again",
        .layer = Layer::guest_agent,
        .scope = Scope::linux,
        .error_codes = {"UserErrorGuestAgentStatusUnavailable", "GuestAgentSnapshotTaskStatusError",
                        "VMAgentStatusCommunicationError"},
        .explanation =
            "The agent ends with an exception, and the service manager or its own daemon starts it again. In between "
            "it may even report Ready, so that the portal changes its mind. One more restart changes nothing: what the "
            "exception names has to go.",
        .source = "https://github.com/Azure/WALinuxAgent/issues/812",
        .signals = {judged(Log::agent, crash_log_line),
                    judged(Log::agent, crash_lines[0]),
                    judged(Log::agent, crash_lines[1]),
                    {.role = Role::proof,
                     .line = {Log::agent, crash_lines[0]},
                     .without = {"download failed"},
                     .revoked_by = signs_of_agent_at_work()},
                    {.role = Role::proof,
                     .line = {Log::agent, crash_lines[2]},
                     .revoked_by = signs_of_agent_at_work()}},
        .consequences = {"agent-hung", "agent-status-not-reported", "backup-extension-state", "file-system-full"},
        .diagnose = diagnose,
    };
}

}  // namespace remediations::causes::agent_crash_looping
