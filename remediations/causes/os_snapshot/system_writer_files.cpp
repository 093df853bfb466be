#include <fmt/format.h>

#include <algorithm>
#include <boost/algorithm/string/find.hpp>

#include "remediations/knowledge/extension/last_run.hpp"
#include "remediations/knowledge/extension/vss_suspicion.hpp"
#include "remediations/knowledge/snapshot/vss_writer_services.hpp"
#include "remediations/knowledge/snapshot/vss_writers.hpp"

namespace remediations::causes::system_writer_files {

using machine::Machine;

namespace {

/// Cryptographic Services could not list the System Writer's files. The event contains the routine, which is not
/// translated, and the system's error, which is.
EventPattern files_not_listed(const char* provider) {
    return {"Application", provider, {513}};
}
constexpr const char* providers[] = {"Microsoft-Windows-CAPI2", "CAPI2"};

struct Routine {
    std::string_view name;
    std::string_view with;  ///< a second text that must occur; empty: any
    /// True if backups mostly succeed with it: Windows' own driver of the link layer discovery protocol denies access.
    bool is_often_noise = false;
    std::string_view meaning;
    std::string_view advice;
};

constexpr Routine routines[] = {
    {"AddCoreCsiFiles", "RtlConvertNtFilePathToWin32Path", false,
     "a file of the component store lies behind a path that Windows cannot resolve",
     "Look for a junction or symbolic link on the way to Windows' folders and to programs (dir /al /s), such as "
     "folders "
     "moved to another drive, and undo it; else move the entry of %SystemRoot%\\WinSxS\\FileMaps that was changed last "
     "away. Then restart Cryptographic Services; that alone does not help."},
    {"AddCoreCsiFiles", "", false, "the component store's lists of files cannot be read",
     "Give SYSTEM and Users read access, and TrustedInstaller full access, to the files of %SystemRoot%\\WinSxS\\"
     "FileMaps and to the folder %SystemRoot%\\WinSxS\\Temp\\PendingRenames (icacls), then restart Cryptographic "
     "Services. If the component store is damaged: DISM /Online /Cleanup-Image /RestoreHealth."},
    {"AddCoreCbsFiles", "", false, "the packages of Windows cannot be read",
     "Repair Windows: DISM /Online /Cleanup-Image /RestoreHealth, then sfc /scannow; then restart Cryptographic "
     "Services."},
    {"AddWin32ServiceFiles", "", true, "a service's program cannot be found or read",
     "Find the service that the event names in HKLM\\SYSTEM\\CurrentControlSet\\Services and correct its ImagePath "
     "(quotes, wrong drive, trailing blanks) or delete the service, where its product is gone. Then restart "
     "Cryptographic Services."},
    {"AddLegacyDriverFiles", "", true, "a driver's file cannot be found or read",
     "Find the driver that the event names in HKLM\\SYSTEM\\CurrentControlSet\\Services (or driverquery /v): delete "
     "its key where its product is gone, else correct its ImagePath or its service's permissions. Then restart "
     "Cryptographic Services."},
    {"AddCorePnPFiles", "", false, "the driver store cannot be read",
     "See the driver package (oem*.inf) that was installed last: pnputil /enum-drivers. Then repair Windows: DISM "
     "/Online /Cleanup-Image /RestoreHealth."},
    {"AddCoreCLRFiles", "", false, "the files of .NET Framework cannot be listed",
     "Repair .NET Framework, and see the permissions of %SystemRoot%\\Microsoft.NET."},
    {"", "", true, "its files cannot be listed",
     "See the routine and the system's error in the event; repair Windows (DISM /Online /Cleanup-Image "
     "/RestoreHealth), then restart Cryptographic Services."},
};

bool has(std::string_view text, std::string_view word) {
    return word.empty() || !boost::algorithm::ifind_first(text, word).empty();
}

const Routine& routine_of(std::string_view text) {
    // The last one fits all.
    return *std::ranges::find_if(routines,
                                 [&](const auto& each) { return has(text, each.name) && has(text, each.with); });
}

/// Returns false for Windows' own driver, which denies access to the System Writer everywhere; that does no harm (KB
/// 3209092).
bool is_no_noise(const machine::Event& event) {
    return !has(text_of(event), "Microsoft Link-Layer Discovery Protocol");
}

const machine::Event* newest_event(const Machine& machine) {
    for (const auto* provider : providers) {
        const auto* event = newest_current(machine, files_not_listed(provider), is_no_noise);
        if (event) return event;
    }
    return nullptr;
}

/// Returns true if backups succeeded although the same error was logged.
bool was_there_in_good_times(const Machine& machine, const Routine& routine) {
    const auto& last = machine.derived<LastRun>();
    for (const auto* provider : providers) {
        const auto events = machine.derived<EventEvidence>().find(files_not_listed(provider));
        const bool is_old = std::ranges::any_of(events, [&](const auto* event) {
            return last.bearing_of(event->time) == LastRun::Bearing::history &&
                   &routine_of(text_of(*event)) == &routine;
        });
        if (is_old) return true;
    }
    return false;
}

enum class Writer { unknown, there, missing };

Writer system_writer(const Machine& machine, const Question& question) {
    if (!vss_is_suspect(machine, question)) return Writer::unknown;
    const auto& writers = machine.derived<VssWriters>();
    if (!writers.list()) return Writer::unknown;
    const auto found = std::ranges::find(*writers.list(), system_writer_id, &VssWriter::id);
    return found == writers.list()->end() || has_failed(*found) ? Writer::missing : Writer::there;
}

Finding diagnose(const Machine& machine, const Question& question) {
    const auto* event = newest_event(machine);
    if (event == nullptr) return Finding::healthy("The System Writer could list its files.");
    const auto& routine = routine_of(text_of(*event));
    std::vector<Evidence> evidence{evidence_of(*event, "no such error")};
    const auto writer = system_writer(machine, question);
    const auto& last = machine.derived<LastRun>();
    const bool is_noise = routine.is_often_noise || was_there_in_good_times(machine, routine);
    const bool is_harmless = writer == Writer::there || (writer == Writer::unknown && !last.is_failure());
    if (is_harmless && (is_noise || last.end() == LastRun::End::succeeded)) {
        return Finding::healthy("The System Writer complained of a file, which does no harm mostly.",
                                std::move(evidence));
    }
    auto finding = Finding::needs_operator(
        writer == Writer::missing
            ? fmt::format("The System Writer of VSS is missing because {} (CAPI2 513).", routine.meaning)
            : fmt::format("The System Writer of VSS has trouble: {} (CAPI2 513).", routine.meaning),
        std::move(evidence), std::string(routine.advice));
    const bool is_proven = writer == Writer::missing || (last.is_failure() && !is_noise && writer != Writer::there);
    return is_proven ? finding : std::move(finding).as_risk();
}

std::vector<EventPattern> events() {
    std::vector<EventPattern> all = vss_suspicion_events();
    for (const auto* provider : providers) all.push_back(files_not_listed(provider));
    return all;
}

}  // namespace

Remediation remediation() {
    return {
        .id = "system-writer-files",
        .title = "The System Writer of VSS cannot list its files",
        .layer = Layer::os_snapshot,
        .scope = Scope::windows,
        .error_codes = {"ExtensionFailedVssWriterInBadState", "ExtensionSnapshotFailed", "VMRestorePointClientError"},
        .explanation =
            "At each snapshot the System Writer lists the files of Windows: the component store, drivers, services. "
            "Where one of these lists cannot be made it goes missing, and Cryptographic Services log event CAPI2 513 "
            "with the routine that failed. A complaint of a single driver alone is common and harmless.",
        .source =
            "https://learn.microsoft.com/troubleshoot/windows-server/backup-and-storage/"
            "system-writer-not-found-in-backup",
        .signals = all_judged(events()),
        .consequences = {"vss-writer-missing", "vss-writer-failed", "vss-writer-refused", "backup-attempt-failed",
                         "backup-extension-state"},
        .diagnose_for = diagnose,
    };
}

}  // namespace remediations::causes::system_writer_files
