#include <fmt/format.h>

#include <algorithm>
#include <boost/algorithm/string/classification.hpp>
#include <boost/algorithm/string/predicate.hpp>
#include <boost/algorithm/string/split.hpp>
#include <boost/algorithm/string/trim.hpp>
#include <optional>
#include <set>
#include <span>

#include "remediations/changes/changes.hpp"
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

using SettingNames = std::vector<std::string_view>;

/// Which settings can be the reason for an exit code of systemd's (systemd.exec(5), "Process exit codes").
struct Suspects {
    std::uint32_t exit_code;
    SettingNames names;
};
const Suspects suspects_by_code[] = {
    {200, {"WorkingDirectory", "Root"}},                                                 // CHDIR
    {203, {"Exec", "Root"}},                                                             // EXEC
    {205, {"Limit"}},                                                                    // LIMITS
    {209, {"StandardOutput"}},                                                           // STDOUT
    {210, {"Root"}},                                                                     // CHROOT
    {216, {"Group", "User", "DynamicUser"}},                                             // GROUP
    {217, {"User", "DynamicUser"}},                                                      // USER
    {218, {"Capability"}},                                                               // CAPABILITIES
    {226, {"Protect", "Private", "ReadOnly", "Inaccessible", "Bind", "TemporaryFile"}},  // NAMESPACE
    {228, {"SystemCall", "Restrict"}},                                                   // SECCOMP
};
/// What can make a program that did start end with an exit code of its own, or never say that it is ready.
const SettingNames suspects_of_a_start = {"Exec", "Environment", "User",        "Group", "WorkingDirectory",
                                          "Type", "Pid",         "NotifyAccess"};
/// What can make systemd refuse the whole unit: a second ExecStart, none, one that does not fit the type.
const SettingNames suspects_of_a_refusal = {"Exec", "Type"};
/// What protects the machine from a program that was taken over.
const SettingNames hardening = {
    "Protect",
    "Private",
    "NoNewPrivileges",
    "ReadOnly",
    "Inaccessible",
    "SystemCall",
    "Restrict",
    "Capability",
    "DynamicUser",
    "User",
    "Group",
    "SupplementaryGroups",
    "AmbientCapabilities",
    "SecureBits",
    "LockPersonality",
    "MemoryDenyWriteExecute",
    "NoExecPaths",
    "ExecPaths",
    "Device",
    "IPAddress",
    "IPIngress",
    "IPEgress",
    "SocketBind",
    "AppArmorProfile",
    "SELinuxContext",
    "Smack",
    "UMask",
    "KeyringMode",
    "Proc",
    "TemporaryFile",
    "BindReadOnlyPaths",
    "RemoveIPC",
};
/// A reader needs no more lines to see what was changed.
constexpr std::size_t most_evidence = 8;

bool sets_one_of(std::string_view line, std::span<const std::string_view> names) {
    return boost::contains(line, "=") &&
           std::ranges::any_of(names, [&](std::string_view name) { return boost::istarts_with(line, name); });
}

std::vector<std::string> trimmed_lines_of(const Machine& machine, const machine::Path& path) {
    const auto text = machine.files().read(path);
    if (!text) return {};
    std::vector<std::string> lines;
    boost::split(lines, *text, boost::is_any_of("\n"));
    for (auto& line : lines) boost::trim(line);
    return lines;
}

/// Adds the lines of a file with telling settings as evidence.
void add_lines(const Machine& machine, const machine::Path& path, std::vector<Evidence>& evidence) {
    const auto lines = trimmed_lines_of(machine, path);
    for (std::size_t number = 0; number < lines.size(); ++number) {
        if (!sets_one_of(lines[number], telling)) continue;
        evidence.push_back({fmt::format("{}:{}", path, number + 1), printable(lines[number]), "as the package has it"});
    }
}

/// Returns true also for a file that cannot be read.
bool may_harden(const Machine& machine, const machine::Path& path) {
    const auto lines = trimmed_lines_of(machine, path);
    return lines.empty() || std::ranges::any_of(lines, [](const auto& line) { return sets_one_of(line, hardening); });
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

bool is_one_of(const Evidence& change, const SettingNames& names) {
    return sets_one_of(change.seen, names);
}

/// What such a program says, or said before in the journal, is not the agent's word.
bool starts_another_program(const Evidence& change) {
    return boost::istarts_with(change.seen, "ExecStart=") && !value_of(change).empty() &&
           !boost::contains(change.seen, "waagent");
}

/// Of the changes, those that can be the reason for how the start ended.
std::vector<Evidence> suspects_among(std::vector<Evidence> changes, const SettingNames& names) {
    std::erase_if(changes, [&](const Evidence& change) { return !is_one_of(change, names); });
    return changes;
}

machine::Path file_of(const Evidence& change) {
    return change.where.substr(0, change.where.rfind(':'));
}

/// Whether the package managers that are here say that no package brought the file; false where there is none to ask.
bool is_of_no_package(const Machine& machine, const machine::Path& file) {
    constexpr int not_owned = 1;
    bool asked = false;
    for (const auto& [program, option] : {std::pair("/usr/bin/dpkg-query", "-S"), std::pair("/usr/bin/rpm", "-qf")}) {
        const auto answer = machine.processes().query({program, {option, file}, std::chrono::seconds(10)});
        if (!answer && answer.error().kind == machine::ErrorKind::not_found) continue;
        // rpm ends with this code for errors of its own, too, and says them on its error output.
        const bool failed = !answer || (std::string_view(program) == "/usr/bin/rpm" && !answer->err.empty());
        if (failed || answer->exit_code != not_owned) return false;
        asked = true;
    }
    return asked;
}

/// The drop-in that all suspects are in, where it is a file that somebody wrote on this VM: it can be moved away, and
/// what it did is gone with it. Whole units, links, what systemctl set-property wrote and packages' drop-ins stay.
std::optional<machine::Path> removable_drop_in(const Machine& machine, const std::vector<Evidence>& suspects) {
    std::set<machine::Path> files;
    for (const auto& suspect : suspects) files.insert(file_of(suspect));
    if (files.size() != 1) return std::nullopt;
    const auto& file = *files.begin();
    const bool is_drop_in = boost::contains(file, ".service.d/") && !file.starts_with("/etc/systemd/system.control/");
    const auto status = machine.files().status(file);
    const bool is_file = status && status->kind == machine::FileKind::regular;
    if (!is_drop_in || !is_file || !is_of_no_package(machine, file)) return std::nullopt;
    return file;
}

/// "walinuxagent" of "/etc/systemd/system/walinuxagent.service.d/x.conf".
std::string service_of(const machine::Path& drop_in) {
    const auto folder = drop_in.substr(0, drop_in.rfind(".service.d/"));
    return folder.substr(folder.rfind('/') + 1);
}

/// The agent's service whose unit systemd does not load, with what it says.
struct RefusedUnit {
    std::string service;
    std::string error;
};

std::optional<RefusedUnit> refused_unit(const Machine& machine) {
    for (const auto* name : {"walinuxagent", "waagent"}) {
        const auto service = machine.services().find(name);
        if (!service && service.error().kind == machine::ErrorKind::invalid &&
            service.error().code == machine::error_unit_refused) {
            return RefusedUnit{name, service.error().message};
        }
    }
    return std::nullopt;
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

/// Returns the suspects, and of the other changes as many as a reader needs beside them.
std::vector<Evidence> shortened(std::vector<Evidence> changes, const std::vector<Evidence>& suspects) {
    std::stable_partition(changes.begin(), changes.end(), [&](const Evidence& change) {
        return std::ranges::find(suspects, change.where, &Evidence::where) != suspects.end();
    });
    if (changes.size() > most_evidence) changes.resize(most_evidence);
    return changes;
}

/// Broken where one drop-in is the reason and may be moved away, else what a person is to do.
Finding does_not_start(const Machine& machine, const std::string& service, const std::string& why,
                       const std::vector<Evidence>& suspects, std::vector<Evidence> evidence) {
    const auto drop_in = removable_drop_in(machine, suspects);
    const auto place = drop_in ? *drop_in : file_of(evidence.front());
    auto summary =
        fmt::format("The guest agent does not start{}, and its systemd unit was changed on this VM: {}.", why, place);
    auto action = fmt::format(
        "Take the change back: systemctl revert {0} removes drop-ins and units of one's own (or move {1} away and run "
        "systemctl daemon-reload). Then systemctl restart {0}. `systemctl cat {0}` shows what is in effect.",
        service, place);
    if (!drop_in) return Finding::needs_operator(std::move(summary), std::move(evidence), std::move(action));
    auto finding = Finding::broken(std::move(summary), std::move(evidence), std::move(action));
    finding.subjects = {*drop_in};
    return may_harden(machine, *drop_in) ? std::move(finding).as_security_change() : finding;
}

Finding diagnose_refused(const Machine& machine, const RefusedUnit& unit) {
    const auto changes = changes_of(machine, unit.service);
    if (changes.empty()) return Finding::not_applicable("No change of the agent's unit is known.");
    const auto suspects = suspects_among(changes, suspects_of_a_refusal);
    auto evidence = shortened(suspects.empty() ? changes : suspects, suspects);
    evidence.push_back({"service " + unit.service, unit.error, "a unit that systemd loads"});
    return does_not_start(machine, unit.service, ": systemd refuses its unit", suspects, std::move(evidence));
}

/// The settings that can be the reason for how the last start ended.
std::vector<Evidence> suspects_of(const machine::Service& service, const std::vector<Evidence>& changes, bool failed) {
    if (!failed) {
        auto conditions = changes;
        std::erase_if(conditions, [](const Evidence& change) { return !is_condition(change); });
        return conditions;
    }
    const auto* known = std::ranges::find(suspects_by_code, service.exit_code, &Suspects::exit_code);
    if (known != std::end(suspects_by_code)) return suspects_among(changes, known->names);
    const bool is_of_systemd = service.exit_code >= first_of_systemd && service.exit_code <= last_of_systemd;
    return is_of_systemd ? std::vector<Evidence>() : suspects_among(changes, suspects_of_a_start);
}

Finding diagnose(const Machine& machine) {
    const auto processes = agent_processes(machine);
    if (!processes) return Finding::unknown("the list of processes", processes.error());
    if (processes->any()) return Finding::healthy("Nothing in the agent's unit keeps it from running.");
    const auto& service = agent_service_of(machine);
    if (!service) {
        const auto refused = refused_unit(machine);
        if (refused) return diagnose_refused(machine, *refused);
        return Finding::not_applicable("The service manager knows no guest agent.");
    }
    if (service->start == machine::StartType::disabled) {
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
    const bool names_python = (boost::contains(line, "Error:") || boost::contains(line, "Error ")) &&
                              std::ranges::none_of(evidence, starts_another_program);
    if (!never_started && !has_condition && names_python) {
        return Finding::healthy("The agent's unit was changed, but the agent itself says why it fails.",
                                shortened(std::move(evidence), {}));
    }
    // One that is not enabled would not run without the change either.
    const auto suspects = service->start == machine::StartType::automatic ? suspects_of(*service, evidence, failed)
                                                                          : std::vector<Evidence>();
    evidence = shortened(std::move(evidence), suspects);
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
    return does_not_start(machine, service->name, why, suspects, std::move(evidence));
}

/// The drop-in stays away only where the agent runs without it; else the caller puts it back.
machine::Result<void> fix(const Finding& finding, Changes& changes) {
    for (const auto& drop_in : finding.subjects) {
        const auto service = service_of(drop_in);
        if (auto moved = changes.quarantine_unit_file(drop_in); !moved) return moved;
        // systemd, which tries it again and again, would take a start for done before, and an undo would stop it.
        const auto before = changes.machine().services().find(service);
        const bool is_tried = before && before->state == machine::ServiceState::starting;
        auto started = is_tried ? changes.restart_service(service) : changes.start_service(service);
        if (!started) return started;
        if (auto stays = see_that_agent_stays(changes, service); !stays) return stays;
    }
    return {};
}

}  // namespace

Remediation remediation() {
    return {
        .id = "agent-unit-changed",
        .title = "A change of the guest agent's systemd unit keeps it from starting",
        .layer = Layer::guest_agent,
        .scope = Scope::linux,
        .error_codes = {"UserErrorGuestAgentStatusUnavailable", "GuestAgentSnapshotTaskStatusError",
                        "VMAgentStatusCommunicationError"},
        .disruption = Disruption::agent_restart,
        .explanation =
            "A drop-in in /etc/systemd/system/<unit>.d, or a unit of the same name in /etc/systemd/system, changes how "
            "systemd starts the agent: another program or user, a condition that is never met, a folder it may not "
            "see. Where one drop-in alone can be the reason and no package brought it, the fix moves it away and "
            "starts the agent, and puts it back where the agent does not run then. A drop-in that also hardens the "
            "unit goes only where changes of security are allowed; whole units are only told.",
        .source = "https://www.freedesktop.org/software/systemd/man/latest/systemd.unit.html",
        .consequences = {"agent-not-running", "agent-python-broken", "agent-crash-looping", "agent-hung",
                         "agent-restart-policy", "backup-extension-state"},
        .diagnose = diagnose,
        .fix = fix,
    };
}

}  // namespace remediations::causes::agent_unit_changed
