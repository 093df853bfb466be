#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

#include "remediations/knowledge/extension/last_run.hpp"
#include "remediations/knowledge/extension/vss_suspicion.hpp"

namespace remediations::causes::ntfs_damaged {

using machine::Machine;

namespace {

/// 55: the structures of a volume are damaged; 98 says how a volume is, as a warning or error where it needs a repair.
std::vector<EventPattern> damage_events() {
    return {{"System", "Ntfs", {55, 98}}, {"System", "Microsoft-Windows-Ntfs", {55, 98}}};
}
/// A routine of VSS, or a request to a driver, failed.
EventPattern failed_requests() {
    return {"Application", "VSS", {8193, 12289}};
}
constexpr std::uint32_t file_corrupt = 0x80070570;  // ERROR_FILE_CORRUPT
constexpr std::uint32_t disk_corrupt = 0x80070571;  // ERROR_DISK_CORRUPT

bool names_damage(std::string_view text) {
    return names_code(text, file_corrupt) || names_code(text, disk_corrupt);
}

bool asks_for_repair(const machine::Event& event) {
    constexpr int warning = 3;
    return event.level != 0 && event.level <= warning;
}

/// Returns "E:"; empty where the event names a device alone.
std::string volume_of(const machine::Event& event) {
    const auto letter =
        std::ranges::find_if(event.data, [](const auto& value) { return value.size() == 2 && value[1] == ':'; });
    return letter == event.data.end() ? std::string() : *letter;
}

/// Returns the newest event of each volume that tells of damage since the last good backup, unless NTFS has found the
/// volume sound after it. Damage stays, so what was told before the failed run counts, too.
std::map<std::string, const machine::Event*> damaged_volumes(const Machine& machine) {
    const auto& last = machine.derived<LastRun>();
    std::map<std::string, const machine::Event*> newest;
    for (const auto& pattern : damage_events()) {
        for (const auto* event : machine.derived<EventEvidence>().find(pattern)) {
            auto& kept = newest[volume_of(*event)];
            if (!kept || kept->time < event->time) kept = event;
        }
    }
    std::erase_if(newest, [&](const auto& entry) {
        return !asks_for_repair(*entry.second) || last.bearing_of(entry.second->time) == LastRun::Bearing::history;
    });
    return newest;
}

Finding diagnose(const Machine& machine) {
    std::vector<Evidence> evidence;
    std::vector<std::string> volumes;
    for (const auto& [volume, event] : damaged_volumes(machine)) {
        evidence.push_back(evidence_of(*event, "the file system is sound"));
        if (!volume.empty()) volumes.push_back(volume);
    }
    if (evidence.empty()) return Finding::healthy("NTFS tells of no damage since the last good backup.");
    const auto& last = machine.derived<LastRun>();
    const auto* request =
        newest_current(machine, failed_requests(), [](const auto& event) { return names_damage(text_of(event)); });
    if (request) evidence.push_back(evidence_of(*request, "no such error"));
    const bool is_named_in_log = names_damage(last.failure_text());
    if (is_named_in_log) evidence.insert(evidence.end(), last.evidence().begin(), last.evidence().end());
    const auto named = volumes.empty() ? std::string("A volume") : fmt::format("{}", fmt::join(volumes, ", "));
    const auto volume = volumes.empty() ? std::string("<volume>") : volumes.front();
    auto finding = Finding::needs_operator(
        fmt::format("{}: the file system (NTFS) is damaged.", named), std::move(evidence),
        fmt::format("Look at it with chkdsk {} /scan, which changes nothing that is in use. Where that asks for more, "
                    "save the data, and run chkdsk {} /spotfix or /f when the volume may be offline for a while (at "
                    "the next start of the VM for the system's volume).",
                    volume, volume));
    const bool explains = last.is_failure() && (request || is_named_in_log);
    return explains ? finding : std::move(finding).as_risk();
}

std::vector<EventPattern> looked_for() {
    auto all = damage_events();
    all.push_back(failed_requests());
    return all;
}

}  // namespace

Remediation remediation() {
    return {
        .id = "ntfs-damaged",
        .title = "A file system of Windows is damaged",
        .layer = Layer::os_snapshot,
        .scope = Scope::windows,
        .error_codes = {"ExtensionSnapshotFailed", "ExtensionFailedVssServiceInBadState", "VMRestorePointClientError"},
        .explanation =
            "VSS flushes and reads every volume of the backup. On a volume whose structures are damaged that fails "
            "with 0x80070570 or 0x80070571, and NTFS logs events 55 and 98. A check can take the volume offline for "
            "long and can lose damaged files, so a person decides when.",
        .source = "https://learn.microsoft.com/windows-server/administration/windows-commands/chkdsk",
        .signals = all_judged(looked_for()),
        .consequences = {"backup-attempt-failed", "backup-extension-state", "vss-writer-failed"},
        .diagnose = diagnose,
    };
}

}  // namespace remediations::causes::ntfs_damaged
