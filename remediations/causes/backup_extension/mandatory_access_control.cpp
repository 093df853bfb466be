#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>

#include "remediations/knowledge/configuration/agent_configuration.hpp"
#include "remediations/knowledge/configuration/extension_folder.hpp"
#include "remediations/knowledge/logs/log_evidence.hpp"
#include "remediations/machine/process_list.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::mandatory_access_control {

using machine::Machine;

namespace {

/// Before the agent's program runs, systemd's own process has another name: "(waagent)", "(python3)".
constexpr auto of_the_program = "name=\"waagent\"";
constexpr auto of_the_folder = "/var/lib/waagent";
/// Texts in the denials of the agent, of the extension, or of their folder. One event has several records, of which
/// only some name the path and only some the result; so each of them is looked for.
constexpr const char* traces[] = {
    "scontext=system_u:system_r:waagent_t",
    "comm=\"handle.sh\"",
    "comm=\"safefreeze\"",
    "comm=\"waagent\"",
    of_the_program,
    of_the_folder,
};
/// fapolicyd answers EPERM to the exec of the start script; SELinux and AppArmor answer EACCES.
constexpr const char* refusals[] = {"handle.sh: Operation not permitted", "handle.sh: Permission denied"};

enum class Guard { selinux, apparmor, fapolicyd };

bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

/// Returns who denied the access in a line; nullopt for a line without a denial.
std::optional<Guard> denied_by(std::string_view line) {
    if (contains(line, "permissive=1")) return std::nullopt;
    if (contains(line, "avc:  denied") || contains(line, "avc: denied")) return Guard::selinux;
    if (contains(line, "apparmor=\"DENIED\"")) return Guard::apparmor;
    if (contains(line, "type=FANOTIFY") && contains(line, "resp=2")) return Guard::fapolicyd;
    if (contains(line, "dec=deny")) return Guard::fapolicyd;
    // The system call's own record: refused with EPERM by fapolicyd, with EACCES by the others.
    if (contains(line, "success=no") && contains(line, "exit=-13")) return Guard::selinux;
    if (contains(line, "success=no") && contains(line, "exit=-1 ")) return Guard::fapolicyd;
    return std::nullopt;
}

bool is_unseen(const machine::Error& error) {
    return error.kind == machine::ErrorKind::not_captured;
}

bool selinux_enforces(const Machine& machine) {
    const auto enforce = machine.files().read("/sys/fs/selinux/enforce", 16);
    return enforce ? enforce->starts_with('1') : is_unseen(enforce.error());
}

bool fapolicyd_runs(const Machine& machine) {
    const auto& processes = machine.derived<machine::ProcessList>().processes();
    if (!processes) return is_unseen(processes.error());
    return std::ranges::any_of(*processes, [](const auto& process) { return process.name == "fapolicyd"; });
}

/// Returns true if the denial met the agent or an extension. Other programs may have no right in their folder, whose
/// name is the agent's too.
bool concerns_the_agent(std::string_view line, std::string_view trace) {
    if (trace == of_the_program) return contains(line, "{ execute");
    if (trace != of_the_folder) return true;
    constexpr std::string_view of_the_agent[] = {"waagent_t",          "comm=\"waagent\"", "comm=\"handle.sh\"",
                                                 "comm=\"python",      "comm=\"sh\"",      "comm=\"bash\"",
                                                 "comm=\"safefreeze\""};
    return std::ranges::any_of(of_the_agent, [&](std::string_view part) { return contains(line, part); });
}

struct Denials {
    std::vector<Evidence> evidence;
    std::vector<Guard> guards;

    bool by(Guard guard) const { return std::ranges::find(guards, guard) != guards.end(); }
};

Denials find_denials(const Machine& machine) {
    Denials denials;
    const auto& logs = machine.derived<LogEvidence>();
    for (const auto log : {Log::audit, Log::kernel}) {
        for (const auto* trace : traces) {
            const auto* line = logs.find_current(log, trace);
            const auto guard = line ? denied_by(line->newest.text) : std::nullopt;
            if (!guard || !concerns_the_agent(line->newest.text, trace)) continue;
            denials.evidence.push_back(line->newest.evidence("no denial of the guest agent or its extensions"));
            denials.guards.push_back(*guard);
        }
    }
    return denials;
}

std::string instructions_for(const Denials& denials, const machine::Path& library) {
    std::vector<std::string> steps;
    if (denials.by(Guard::selinux)) {
        steps.push_back(fmt::format(
            "SELinux: see the denials with ausearch -m avc -ts recent. If files were moved or copied into {0}, or the "
            "agent itself, give them their labels back: restorecon -Rv {0} /usr/sbin/waagent. If the label itself is "
            "wrong for this place: semanage fcontext -a -t bin_t '{0}/Microsoft.Azure.RecoveryServices.*(/.*)?' and "
            "restorecon -Rv {0}. If the policy "
            "forbids it: ausearch -m avc -c waagent -c handle.sh -c safefreeze --raw | audit2allow -M azure_backup, "
            "read the module, and semodule -i azure_backup.pp.",
            library));
    }
    if (denials.by(Guard::apparmor)) {
        steps.push_back(
            fmt::format("AppArmor: the log line names the profile. Let it read and execute {}/** (a rule {}/** rix, in "
                        "/etc/apparmor.d/local/<profile>) and load it: apparmor_parser -r /etc/apparmor.d/<profile>.",
                        library, library));
    }
    if (denials.by(Guard::fapolicyd)) {
        steps.push_back(fmt::format(
            "fapolicyd: trust the folder: fapolicyd-cli --file add {}/ --trust-file waagent && fapolicyd-cli --update; "
            "every new version of an extension needs it again, so a rule is better: allow perm=any all : dir={}/ in "
            "/etc/fapolicyd/rules.d/, then fagenrules --load.",
            library, library));
    }
    steps.emplace_back("Then back up again.");
    return fmt::format("{}", fmt::join(steps, " "));
}

Finding diagnose(const Machine& machine) {
    auto denials = find_denials(machine);
    const bool fapolicyd = fapolicyd_runs(machine);
    const bool selinux = selinux_enforces(machine);
    const auto& logs = machine.derived<LogEvidence>();
    if (fapolicyd || selinux) {
        for (const auto log : {Log::commands, Log::agent}) {
            for (const auto* refusal : refusals) {
                const auto* line = logs.find_current(log, refusal);
                const bool by_fapolicyd = refusal == refusals[0];
                if (!line || !(by_fapolicyd ? fapolicyd : selinux && !denials.evidence.empty())) continue;
                denials.evidence.push_back(line->newest.evidence("the command runs"));
                if (by_fapolicyd) denials.guards.push_back(Guard::fapolicyd);
            }
        }
    }
    // A guard that is off now denies nothing any more, whatever the log contains.
    if (!selinux) std::erase(denials.guards, Guard::selinux);
    if (!fapolicyd) std::erase(denials.guards, Guard::fapolicyd);
    if (denials.guards.empty()) {
        return Finding::healthy(
            "No mandatory access control (SELinux, AppArmor, fapolicyd) stops the guest agent or its extensions.",
            std::move(denials.evidence));
    }
    const auto who = denials.by(Guard::fapolicyd) ? "fapolicyd" : denials.by(Guard::apparmor) ? "AppArmor" : "SELinux";
    if (selinux && machine.files().status("/sys/fs/selinux/enforce")) {
        denials.evidence.push_back({"/sys/fs/selinux/enforce", "1 (enforcing)", ""});
    }
    return Finding::needs_operator(fmt::format("{} denied the guest agent or the backup extension what it needs.", who),
                                   std::move(denials.evidence),
                                   instructions_for(denials, agent_library_folder(machine)));
}

std::vector<LogPattern> patterns() {
    std::vector<LogPattern> all;
    for (const auto* trace : traces) {
        all.push_back({Log::audit, trace});
        all.push_back({Log::kernel, trace});
    }
    for (const auto* refusal : refusals) {
        all.push_back({Log::commands, refusal});
        all.push_back({Log::agent, refusal});
    }
    return all;
}

}  // namespace

Remediation remediation() {
    return {
        .id = "mandatory-access-control",
        .title = "SELinux, AppArmor or fapolicyd stops the guest agent or the backup extension",
        .layer = Layer::backup_extension,
        .scope = Scope::linux,
        .error_codes = {"UserErrorVmNotInDesirableState", "VmNotInDesirableState", "GuestAgentSnapshotTaskStatusError",
                        "UserErrorVmProvisioningStateFailed", "VMExtensionProvisioningError",
                        "UserErrorGuestAgentStatusUnavailable", "UserErrorFsFreezeFailed", "121", "1007", "1009"},
        .disruption = Disruption::none,
        .explanation =
            "The agent unpacks extensions to /var/lib/waagent and runs them from there; safefreeze opens every mount "
            "point. A policy that does not expect this denies it, and the audit log says so. What a policy allows is "
            "for its owner to decide: nothing is switched off or loosened from here.",
        .source = "https://learn.microsoft.com/azure/backup/backup-azure-vms-troubleshoot",
        .signals = all_judged(patterns()),
        .consequences = {"extension-error", "backup-extension-state", "freeze-failed", "agent-not-running",
                         "agent-crash-looping", "agent-hung", "agent-restart-policy"},
        .diagnose = diagnose,
    };
}

}  // namespace remediations::causes::mandatory_access_control
