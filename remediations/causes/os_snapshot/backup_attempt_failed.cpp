#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <functional>

#include "remediations/knowledge/extension/event_meaning.hpp"
#include "remediations/knowledge/extension/last_run.hpp"
#include "remediations/knowledge/extension/vss_suspicion.hpp"
#include "remediations/knowledge/reasons/meaning.hpp"
#include "remediations/knowledge/reasons/reasons_in.hpp"

namespace remediations::causes::backup_attempt_failed {

using machine::Machine;

namespace {

/// The general events of VSS for unexpected errors.
EventPattern errors_of_vss() {
    return {"Application", "VSS", {8193, 12289, 12292, 12293, 12298, 12305, 12310}};
}

/// Returns at most five failures that Windows logged while the newest run failed, errors before warnings.
std::vector<const Failure*> logged_meanwhile(const Machine& machine) {
    constexpr std::size_t most_quoted = 5;
    std::vector<const Failure*> found;
    for (const auto& failure : machine.derived<EventEvidence>().failures()) {
        if (failure.in_failed_run && !failure.is_noise) found.push_back(&failure);
    }
    std::ranges::stable_sort(found, std::greater(), &Failure::severity);
    found.resize(std::min(found.size(), most_quoted));
    return found;
}

/// Returns the quote together with its meaning.
Evidence evidence_with_meaning(const Failure& failure) {
    auto evidence = failure.quote;
    std::vector<std::string> said;
    if (const auto meaning = meaning_of_event_failure(failure)) said.push_back(clause_of(*meaning));
    for (const auto& reason : failure.reasons) {
        const auto meaning = meaning_of(reason);
        said.push_back(description_of(reason) + (meaning ? ": " + clause_of(*meaning) : std::string()));
    }
    if (!said.empty()) evidence.expected = fmt::format("no such event; it says: {}", fmt::join(said, "; "));
    return evidence;
}

/// 14: an I/O error ended a shadow copy; 16: its volume disappeared.
constexpr std::uint32_t input_output_error = 14;
constexpr std::uint32_t volume_gone = 16;
EventPattern errors_of_disks() {
    return {"System", "volsnap", {input_output_error, volume_gone}};
}

struct Noise {
    std::uint32_t id;
    std::uint32_t code;
};
/// Events on machines whose backups succeed: no access to VSS\Diag, and the cleanup of an abandoned session.
constexpr Noise noise[] = {{8193, 0x80070005}, {12289, 0x80042409}};

bool is_noise(const machine::Event& event) {
    const auto text = text_of(event);
    return std::ranges::any_of(noise,
                               [&](const auto& each) { return each.id == event.id && names_code(text, each.code); });
}

Meaning disk_error() {
    return {
        "", "A disk failed while Windows wrote to its shadow copy.", "",
        "Events of disk and Ntfs in the System log at that time; chkdsk /scan of the volume. Where a disk of Azure is "
        "at fault, open a support request."};
}
Meaning disk_gone() {
    return {"", "A volume went away during the snapshot.", "",
            "Disks that are offline or missing: detach or repair them."};
}

/// Returns true if the snapshot had been requested: a later failure is in the network or on the platform.
bool is_of_network(BackupPhase phase) {
    return phase == BackupPhase::host_snapshot || phase == BackupPhase::finished;
}

Finding diagnose(const Machine& machine) {
    const auto& last = machine.derived<LastRun>();
    constexpr auto where = "log, status and process of the backup extension";
    switch (last.end()) {
        case LastRun::End::unknown:
            return Finding::healthy("Nothing tells of a backup.", {{where, "nothing of a run", ""}});
        case LastRun::End::running:
            return Finding::healthy("A backup runs.", {{where, "its process is there", ""}});
        case LastRun::End::succeeded:
            return Finding::healthy("The last backup that the extension ran succeeded.", {{where, "success", ""}});
        case LastRun::End::failed:
        case LastRun::End::broke_off:
            break;
    }
    auto evidence = last.evidence_of_end();
    const auto phase = last.attempt() ? last.attempt()->phase : BackupPhase::none;
    const auto [name, waits_for] = text_of(phase);
    const auto meanwhile = logged_meanwhile(machine);
    for (const auto* failure : meanwhile) evidence.push_back(evidence_with_meaning(*failure));
    const auto* event = newest_current(machine, errors_of_vss(), [](const auto& each) { return !is_noise(each); });
    if (event && meanwhile.empty()) evidence.push_back(evidence_of(*event, "no error of VSS"));
    // The log counts more than an event, unless its code only says that something failed.
    auto meaning = windows_meaning(
        reasons_in(fmt::format("{}\n{}", event ? text_of(*event) : std::string(), last.failure_text())));
    for (const auto* failure : meanwhile) {
        if (!meaning) meaning = meaning_of_event_failure(*failure);
    }
    if (const auto* of_disk = newest_current(machine, errors_of_disks())) {
        if (meanwhile.empty()) evidence.push_back(evidence_of(*of_disk, "no shadow copy that is lost"));
        meaning = of_disk->id == input_output_error ? disk_error() : disk_gone();
    }
    auto summary = last.end() == LastRun::End::broke_off
                       ? fmt::format("The last backup broke off at {}, where it waits for {}.", name, waits_for)
                       : fmt::format("The last backup failed at {}{}.", name,
                                     meaning ? fmt::format(": {}", clause_of(*meaning)) : std::string());
    auto action = meaning ? advice_of(*meaning)
                          : fmt::format(
                                "See {} at the time of the backup, in the lines around the quoted one and in the "
                                "System and Application logs. Then back up again and run this program right after it.",
                                waits_for);
    auto finding = Finding::needs_operator(std::move(summary), std::move(evidence), std::move(action));
    finding.basis = Basis::last_run;
    finding.is_envelope = true;
    // A run that says of all its disks that their snapshot failed has failed, wherever the fault lies. One that broke
    // off after it had asked for the snapshot may have been ended from outside.
    const bool says_so = last.attempt() && last.attempt()->succeeded == false;
    const bool is_weak = (is_of_network(phase) && !says_so) || (phase == BackupPhase::none && !meaning);
    return is_weak ? std::move(finding).as_risk() : finding;
}

}  // namespace

Remediation remediation() {
    return {
        .id = "backup-attempt-failed",
        .title = "The last run of the Windows backup extension failed or broke off",
        .layer = Layer::os_snapshot,
        .scope = Scope::windows,
        .error_codes = {"ExtensionSnapshotFailed", "ExtensionSnapshotFailedCOM", "ExtensionFailedVssServiceInBadState",
                        "ExtensionFailedVssWriterInBadState", "GuestAgentSnapshotTaskStatusError"},
        .explanation =
            "The extension logs each step of a backup; the last one it reached names what it was waiting for: the "
            "Visual C++ runtime, services, COM+ for its provider, the VSS writers, the volumes, or the Azure host. It "
            "is what is left to say where no cause of its own was found.",
        .source = "https://learn.microsoft.com/azure/backup/backup-azure-troubleshoot-vm-backup-fails-snapshot-timeout",
        .signals = {judged(errors_of_vss()), judged(errors_of_disks())},
        .diagnose = diagnose,
    };
}

}  // namespace remediations::causes::backup_attempt_failed
