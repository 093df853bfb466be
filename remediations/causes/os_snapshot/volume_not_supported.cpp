#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <boost/algorithm/string/predicate.hpp>
#include <set>

#include "remediations/knowledge/extension/last_run.hpp"
#include "remediations/knowledge/extension/vss_suspicion.hpp"
#include "remediations/knowledge/logs/event_text.hpp"

namespace remediations::causes::volume_not_supported {

using machine::Machine;

namespace {

/// VSS_E_VOLUME_NOT_SUPPORTED, VSS_E_VOLUME_NOT_SUPPORTED_BY_PROVIDER.
constexpr std::uint32_t refused[] = {0x8004230C, 0x8004230E};

/// The volume has no NTFS, or its file system could not be determined.
EventPattern not_ntfs() {
    return {"System", "volsnap", {2}};
}

struct Volume {
    std::string name;
    std::string file_system;  ///< empty: none that Windows knows
};

/// Returns local fixed volumes with a letter and with neither NTFS nor ReFS. Volumes without a letter are Windows' own.
std::vector<Volume> unsupported_volumes(const Machine& machine) {
    constexpr auto local_disk = "3";
    const auto answer = machine.wmi().query(
        R"(root\cimv2)",
        "SELECT DriveLetter, Label, DeviceID, FileSystem, DriveType, FreeSpace, Capacity FROM Win32_Volume");
    std::vector<Volume> volumes;
    if (!answer) return volumes;
    for (const auto& object : *answer) {
        const auto letter = machine::text_property(object, "DriveLetter");
        const auto system = machine::text_property(object, "FileSystem");
        const bool is_supported = boost::iequals(system, "NTFS") || boost::iequals(system, "ReFS");
        if (letter.empty() || is_supported || machine::text_property(object, "DriveType") != local_disk) continue;
        volumes.push_back({letter, system});
    }
    return volumes;
}

Finding diagnose(const Machine& machine) {
    const auto& last = machine.derived<LastRun>();
    const auto* event = newest_current(machine, not_ntfs());
    const bool is_named_in_log = last.is_failure() && std::ranges::any_of(refused, [&](auto code) {
                                     return names_code(last.failure_text(), code);
                                 });
    if (event == nullptr && !is_named_in_log) return Finding::healthy("No volume was refused for its file system.");
    std::vector<Evidence> evidence;
    std::set<std::string> names;
    if (event) {
        evidence.push_back(evidence_of(*event, "NTFS or ReFS"));
        if (auto name = volume_in(*event); !name.empty()) names.insert(std::move(name));
    }
    if (is_named_in_log) evidence.insert(evidence.end(), last.evidence().begin(), last.evidence().end());
    for (const auto& volume : unsupported_volumes(machine)) {
        evidence.push_back({"volume " + volume.name, volume.file_system.empty() ? "no file system" : volume.file_system,
                            "NTFS or ReFS"});
        names.insert(volume.name);
    }
    const auto which = names.empty() ? std::string("one of the volumes") : fmt::format("{}", fmt::join(names, ", "));
    auto finding = Finding::needs_operator(
        fmt::format("Windows cannot take a shadow copy of {}, which is not an NTFS or ReFS volume of a local disk.",
                    which),
        std::move(evidence),
        fmt::format("Take {} out of the snapshot: remove or unmount it where it is a virtual drive, a mounted image or "
                    "a pool of another product; exclude its disk (selective disk backup) where it is a disk of Azure; "
                    "or format it with NTFS once its data is elsewhere.",
                    which));
    if (!event) finding.basis = Basis::last_run;
    return event == nullptr && names.empty() ? std::move(finding).as_risk() : finding;
}

}  // namespace

Remediation remediation() {
    return {
        .id = "volume-not-supported",
        .title = "A volume is of a kind that Windows cannot snapshot",
        .layer = Layer::os_snapshot,
        .scope = Scope::windows,
        .error_codes = {"ExtensionSnapshotFailed", "ExtensionFailedVssServiceInBadState",
                        "UserErrorUnsupportedDiskConfiguration"},
        .explanation =
            "Shadow copies exist for NTFS and ReFS on local disks. A volume of another kind (FAT, exFAT, a raw one, a "
            "virtual drive of another product) that gets into the snapshot makes all of it fail: volsnap logs event 2, "
            "or VSS ends with 0x8004230C or 0x8004230E.",
        .source = "https://learn.microsoft.com/windows-server/storage/file-server/volume-shadow-copy-service",
        .signals = {judged(not_ntfs())},
        .consequences = {"vss-writer-failed", "vss-writer-refused", "snapshot-without-threads", "backup-attempt-failed",
                         "backup-extension-state"},
        .diagnose = diagnose,
    };
}

}  // namespace remediations::causes::volume_not_supported
