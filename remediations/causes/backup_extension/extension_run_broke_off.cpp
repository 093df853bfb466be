#include <fmt/format.h>

#include <algorithm>

#include "remediations/formats/duration_text.hpp"
#include "remediations/knowledge/extension/backup_activity.hpp"
#include "remediations/knowledge/extension/last_backup.hpp"
#include "remediations/knowledge/snapshot/fanotify_listeners.hpp"
#include "remediations/machine/process_list.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::extension_run_broke_off {

using machine::Machine;

namespace {

/// The pauses between the lines of a run are shorter.
constexpr auto longest_pause = std::chrono::minutes(15);

/// Returns the time of the boot: the start of pid 1.
std::optional<std::chrono::system_clock::time_point> boot_of(const Machine& machine) {
    const auto& processes = machine.derived<machine::ProcessList>().processes();
    if (!processes) return std::nullopt;
    const auto first = std::ranges::find(*processes, std::uint32_t{1}, &machine::Process::pid);
    if (first == processes->end() || first->started == std::chrono::system_clock::time_point{}) return std::nullopt;
    return first->started;
}

/// Returns true if a status that says success was written in this run: then only the log broke off, for example on a
/// full disk.
bool ended_by_its_status(const InstalledExtension& installed, const BackupAttempt& attempt) {
    const auto* folder = version_in_use(installed);
    if (!folder || !folder->status || !folder->status->code || !attempt.started) return false;
    const bool is_over = *folder->status->code != 4 && folder->status->word != "transitioning";
    return is_over && folder->status->modified > *attempt.started;
}

Finding diagnose(const Machine& machine) {
    const auto* attempt = machine.derived<LogEvidence>().newest_attempt();
    if (!attempt) return Finding::healthy("The log of the backup extension tells of no run.");
    if (attempt->succeeded || attempt->begins_unseen || !attempt->ended) {
        return Finding::healthy("The newest run of the backup extension came to an end.");
    }
    const auto running = running_backup_processes(machine);
    if (!running) return Finding::unknown("the list of processes", running.error());
    if (!running->empty()) return Finding::healthy("A backup is running.");
    const auto installed = installed_backup_extension(machine);
    if (installed && ended_by_its_status(*installed, *attempt)) {
        return Finding::healthy("The newest run of the backup extension ended, by its status file.");
    }
    const auto now = machine.facts().now;
    const auto boot = boot_of(machine);
    const bool rebooted = boot && *boot > *attempt->ended;
    if (!rebooted && now - *attempt->ended < longest_pause) {
        return Finding::healthy("The newest run of the backup extension has just been at work.");
    }
    std::vector<Evidence> evidence{{"extension.log",
                                    fmt::format("ends {} ago, after step {} of 9, without a result",
                                                duration_text(now - *attempt->ended), attempt->last_step),
                                    "a result"}};
    if (!attempt->decisive.file.empty()) evidence.push_back(attempt->decisive.evidence("no error"));
    if (rebooted) {
        evidence.push_back({"process 1", fmt::format("started {} after that", duration_text(*boot - *attempt->ended)),
                            "no restart of the VM during a backup"});
    }
    constexpr int last_frozen_step = 8;
    const bool was_frozen = attempt->last_step >= 1 && attempt->last_step <= last_frozen_step;
    const auto listeners = was_frozen ? fanotify_listeners(machine) : std::vector<std::string>();
    for (const auto& listener : listeners) {
        evidence.push_back({"process " + listener, "lets every access to a file wait for its answer", ""});
    }
    const auto where = was_frozen ? "while file systems were being frozen or were frozen" : "before the freeze";
    auto advice = rebooted
                      ? std::string(
                            "Find out why the VM was restarted then (activity log of the VM, `last -x`, the journal "
                            "of the boot before: `journalctl -b -1 -e`). ")
                      : std::string(
                            "Find out what ended its process (`journalctl` and `dmesg` of that minute: an update or "
                            "restart of the guest agent, \"Killed process\", a security product, somebody's kill). ");
    if (was_frozen && rebooted) {
        advice +=
            "If it had to be reset because nothing reacted, the freeze hung: see `dmesg` of the boot before for "
            "tasks \"blocked for more than\".. seconds. ";
    }
    if (!listeners.empty()) {
        advice += fmt::format(
            "{} can hang a freeze: keep its log and database off the frozen file systems, or exempt "
            "the backup extension from it. ",
            listeners.front());
    }
    auto finding = Finding::needs_operator(
        fmt::format("The last run of the backup extension broke off after step {} of 9, {}: {}.", attempt->last_step,
                    where, rebooted ? "the VM was restarted in the middle of it" : "its process was ended or killed"),
        std::move(evidence), advice + "Then back up again.");
    finding.basis = Basis::last_run;
    finding.is_envelope = true;
    return finding;
}

}  // namespace

Remediation remediation() {
    return {
        .id = "extension-run-broke-off",
        .title = "The last run of the backup extension broke off",
        .layer = Layer::backup_extension,
        .scope = Scope::linux,
        .error_codes = {"GuestAgentSnapshotTaskStatusError", "GuestAgentSnapshotTaskStatusErrorLin",
                        "ExtensionSnapshotFailedNoNetwork", "UserErrorGuestAgentStatusUnavailable"},
        .disruption = Disruption::none,
        .explanation =
            "A run that ends for good writes a result. Where its log stops before that and no process of it is left, "
            "something ended it: a restart or reset of the VM, the kernel for want of memory, a restart of the guest "
            "agent, a security product or a person. The status stays at \"transitioning\", and the vault waits in "
            "vain.",
        .source = "https://github.com/Azure/azure-linux-extensions/tree/master/VMBackup",
        .consequences = {"extension-error", "backup-extension-state"},
        .diagnose = diagnose,
    };
}

}  // namespace remediations::causes::extension_run_broke_off
