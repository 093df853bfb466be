#include <fmt/format.h>

#include <algorithm>
#include <boost/algorithm/string/classification.hpp>
#include <boost/algorithm/string/predicate.hpp>
#include <boost/algorithm/string/split.hpp>
#include <boost/algorithm/string/trim.hpp>

#include "remediations/knowledge/agent/agent_processes.hpp"
#include "remediations/knowledge/agent/agent_service.hpp"
#include "remediations/knowledge/logs/log_line.hpp"
#include "remediations/knowledge/reasons/meaning.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::agent_unit_changed {

using machine::Machine;

namespace {

/// The folders in which an administrator changes units. Packages install theirs below /usr/lib.
constexpr const char* folders[] = {"/etc/systemd/system", "/run/systemd/system", "/etc/systemd/system.control"};
/// Settings of a unit that decide if its program starts, and in which environment.
constexpr std::string_view telling[] = {
    "Exec",     "User",          "Group",           "WorkingDirectory", "Root",         "Condition",
    "Assert",   "Requires",      "BindsTo",         "Environment",      "Type",         "Pid",
    "Protect",  "Private",       "NoNewPrivileges", "ReadOnly",         "Inaccessible", "SystemCall",
    "Restrict", "Capability",    "Limit",           "Memory",           "NotifyAccess", "DynamicUser",
    "Bind",     "TemporaryFile", "StandardOutput"};
/// systemd's own exit codes, 200 to 243: the program was never started.
constexpr std::uint32_t first_of_systemd = 200;
constexpr std::uint32_t last_of_systemd = 243;

/// Adds the lines of a file with such settings as evidence.
void add_lines(const Machine& machine, const machine::Path& path, std::vector<Evidence>& evidence) {
    constexpr std::size_t most_lines = 8;
    const auto text = machine.files().read(path);
    if (!text) return;
    std::vector<std::string> lines;
    boost::split(lines, *text, boost::is_any_of("\n"));
    for (std::size_t number = 0; number < lines.size() && evidence.size() < most_lines; ++number) {
        const auto line = boost::trim_copy(lines[number]);
        const bool tells = std::ranges::any_of(telling, [&](std::string_view word) {
            return boost::istarts_with(line, word) && boost::contains(line, "=");
        });
        if (tells)
            evidence.push_back({fmt::format("{}:{}", path, number + 1), printable(line), "as the package has it"});
    }
}

bool is_condition(const Evidence& change) {
    return boost::istarts_with(change.seen, "Condition") || boost::istarts_with(change.seen, "Assert");
}

std::string value_of(const Evidence& change) {
    return boost::trim_copy(change.seen.substr(change.seen.find('=') + 1));
}

/// Returns true if the journal says that a condition or an assertion prevented the start. systemd's text is English in
/// every locale.
bool tells_of_a_condition(const std::vector<std::string>& journal) {
    return std::ranges::any_of(journal, [](const std::string& line) {
        return boost::icontains(line, "condition check") || boost::icontains(line, "asserts failed") ||
               boost::icontains(line, "assertion failed for");
    });
}

/// Returns true if a condition prevents the start of the unit: by its path if it names one, else by the journal. An
/// empty condition removes the package's conditions and prevents nothing. Of conditions with "|" one that is met is
/// enough, so the journal decides.
bool is_unmet(const Machine& machine, const Evidence& condition, const std::vector<std::string>& journal) {
    auto value = value_of(condition);
    if (value.empty()) return false;
    const bool names_a_path = boost::icontains(condition.seen, "PathExists=") && !value.starts_with('|');
    if (!names_a_path) return tells_of_a_condition(journal);
    const bool is_negated = value.starts_with('!');
    boost::trim_left_if(value, boost::is_any_of("!"));
    const auto status = machine.files().status(value);
    if (!status && status.error().kind != machine::ErrorKind::not_found) return tells_of_a_condition(journal);
    return status.has_value() == is_negated;
}

/// Returns the changes of the agent's unit by a drop-in file or a unit of the same name.
std::vector<Evidence> changes_of(const Machine& machine, const std::string& service) {
    std::vector<Evidence> evidence;
    for (const auto* folder : folders) {
        const auto unit = fmt::format("{}/{}.service", folder, service);
        const auto status = machine.files().status(unit);
        if (status && status->kind == machine::FileKind::regular) add_lines(machine, unit, evidence);
        const auto drop_ins = unit + ".d";
        const auto names = machine.files().list(drop_ins);
        if (!names) continue;
        for (const auto& name : *names) {
            if (name.ends_with(".conf")) add_lines(machine, fmt::format("{}/{}", drop_ins, name), evidence);
        }
    }
    return evidence;
}

Finding diagnose(const Machine& machine) {
    const auto processes = agent_processes(machine);
    if (!processes) return Finding::unknown("the list of processes", processes.error());
    const auto& service = agent_service_of(machine);
    if (!service) return Finding::not_applicable("The service manager knows no guest agent.");
    if (processes->any() || service->start == machine::StartType::disabled) {
        return Finding::healthy("Nothing in the agent's unit keeps it from running.");
    }
    const bool failed = service->state == machine::ServiceState::failed ||
                        service->state == machine::ServiceState::starting || service->exit_code != 0;
    auto evidence = changes_of(machine, service->name);
    const auto journal = newest_journal_lines(machine, service->name);
    std::erase_if(evidence, [&](const Evidence& one) { return is_condition(one) && !is_unmet(machine, one, journal); });
    const bool has_condition = std::ranges::any_of(evidence, is_condition);
    if (evidence.empty() || (!failed && !has_condition)) {
        return Finding::healthy("No change of the agent's unit keeps it from running.");
    }
    // A program that started and failed has its own reason, unless the change gave it other surroundings.
    const bool never_started = service->exit_code >= first_of_systemd && service->exit_code <= last_of_systemd;
    const auto line = decisive_line(journal);
    const bool names_python = boost::contains(line, "Error:") || boost::contains(line, "Error ");
    if (!never_started && !has_condition && names_python) {
        return Finding::healthy("The agent's unit was changed, but the agent itself says why it fails.",
                                std::move(evidence));
    }
    const auto place = evidence.front().where.substr(0, evidence.front().where.rfind(':'));
    std::string why;
    if (service->exit_code != 0) {
        const Reason reason{Reason::Kind::exit_code, service->exit_code, {}, {}};
        const auto meaning = meaning_of(reason);
        evidence.push_back({"service " + service->name,
                            fmt::format("{}, its last run ended with exit code {}{}", to_string(service->state),
                                        service->exit_code, meaning ? ": " + meaning->meaning : ""),
                            "running"});
        why = fmt::format(" (exit code {}{})", service->exit_code, meaning ? ", " + clause_of(*meaning) : "");
    }
    if (!line.empty()) evidence.push_back({"journal of " + service->name, line, ""});
    return Finding::needs_operator(
        fmt::format("The guest agent does not start{}, and its systemd unit was changed on this VM: {}.", why, place),
        std::move(evidence),
        fmt::format("Take the change back: systemctl revert {0} removes drop-ins and units of one's own (or move {1} "
                    "away and run systemctl daemon-reload). Then systemctl restart {0}. `systemctl cat {0}` shows what "
                    "is in effect.",
                    service->name, place));
}

}  // namespace

extern const Remediation remediation{
    .id = "agent-unit-changed",
    .title = "A change of the guest agent's systemd unit keeps it from starting",
    .layer = Layer::guest_agent,
    .scope = Scope::linux,
    .error_codes = {"UserErrorGuestAgentStatusUnavailable", "GuestAgentSnapshotTaskStatusError",
                    "VMAgentStatusCommunicationError"},
    .explanation =
        "A drop-in in /etc/systemd/system/<unit>.d, or a unit of the same name in /etc/systemd/system, changes how "
        "systemd starts the agent: another program or user, a condition that is never met, a folder it may not see. "
        "Such changes are somebody's decision, so they are only told.",
    .source = "https://www.freedesktop.org/software/systemd/man/latest/systemd.unit.html",
    .consequences = {"agent-not-running", "agent-python-broken", "agent-crash-looping", "agent-hung",
                     "agent-restart-policy", "backup-extension-state"},
    .diagnose = diagnose,
};

}  // namespace remediations::causes::agent_unit_changed
