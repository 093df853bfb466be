#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <boost/algorithm/string/predicate.hpp>
#include <set>

#include "remediations/knowledge/extension/last_run.hpp"
#include "remediations/knowledge/extension/vss_suspicion.hpp"

namespace remediations::causes::shadow_storage_exhausted {

using machine::Machine;

namespace {

/// 1, 22, 23: a shadow copy could not be created, or not for lack of space; 12, 13, 24, 38, 39, 41: the storage could
/// not grow, because of lack of space, a limit, or free areas that are too small; 25, 36: it grew too slowly, or to its
/// limit, and its shadow copies were deleted; 35: it could not grow; 27: it failed; 67: the shadow copy could not be
/// installed.
EventPattern storage_failures() {
    return {"System", "volsnap", {1, 12, 13, 22, 23, 24, 25, 27, 35, 36, 38, 39, 41, 67}};
}
/// No volume has space for the storage.
EventPattern no_volume_for_storage() {
    return {"Application", "VSS", {4001}};
}

/// VSS's routine that chooses a volume; its name is never translated.
EventPattern routine_failed() {
    return {"Application", "VSS", {8193}};
}
constexpr auto no_candidates = "diff area candidates";

constexpr std::uint32_t insufficient_storage = 0x8004231F;  // VSS_E_INSUFFICIENT_STORAGE
constexpr std::uint64_t mib = std::uint64_t{1} << 20;
/// VSS refuses to create a smaller storage area (vssadmin's own limit).
constexpr std::uint64_t smallest_area = 320 * mib;

struct Volume {
    std::string name;  ///< "C:", or its label, or its device name where it has neither
    std::uint64_t free = 0;
    std::uint64_t size = 0;
};

/// Returns local fixed volumes with NTFS or ReFS.
std::vector<Volume> volumes_of(const Machine& machine) {
    constexpr auto local_disk = "3";
    const auto answer = machine.wmi().query(
        R"(root\cimv2)",
        "SELECT DriveLetter, Label, DeviceID, FileSystem, DriveType, FreeSpace, Capacity FROM Win32_Volume");
    std::vector<Volume> volumes;
    if (!answer) return volumes;
    for (const auto& object : *answer) {
        if (machine::text_property(object, "DriveType") != local_disk) continue;
        const auto system = machine::text_property(object, "FileSystem");
        if (!boost::iequals(system, "NTFS") && !boost::iequals(system, "ReFS")) continue;
        Volume volume{machine::text_property(object, "DriveLetter"),
                      machine::number_property(object, "FreeSpace").value_or(0),
                      machine::number_property(object, "Capacity").value_or(0)};
        if (volume.name.empty()) volume.name = machine::text_property(object, "Label");
        if (volume.name.empty()) volume.name = machine::text_property(object, "DeviceID");
        if (volume.size != 0) volumes.push_back(std::move(volume));
    }
    return volumes;
}

/// Returns the least free space that a snapshot needs: vssadmin's area, or a tenth of a smaller volume.
std::uint64_t least_free(const Volume& volume) {
    return std::min(smallest_area, volume.size / 10);
}

/// Returns the volume without space in an event: "D:".
std::set<std::string> volumes_in(const machine::Event* event) {
    std::set<std::string> names;
    for (const auto& value : event ? event->data : std::vector<std::string>{}) {
        const bool is_letter = value.size() == 2 && value[1] == ':';
        if (is_letter || value.starts_with(R"(\\?\Volume{)")) names.insert(value);
    }
    return names;
}

Finding diagnose(const Machine& machine, const Question& question) {
    const auto& last = machine.derived<LastRun>();
    const auto* event = newest_current(machine, storage_failures());
    if (event == nullptr) event = newest_current(machine, no_volume_for_storage());
    if (event == nullptr) {
        event = newest_current(machine, routine_failed(),
                               [](const auto& each) { return text_of(each).find(no_candidates) != std::string::npos; });
    }
    const bool is_named_in_log = names_code(last.failure_text(), insufficient_storage);
    if (event == nullptr && !is_named_in_log && !vss_is_suspect(machine, question)) {
        return Finding::healthy("Nothing points to a lack of room for shadow copies.");
    }
    std::vector<Evidence> evidence;
    std::vector<std::string> full;
    if (event) evidence.push_back(evidence_of(*event, "no failure of shadow copy storage"));
    if (is_named_in_log) evidence.insert(evidence.end(), last.evidence().begin(), last.evidence().end());
    for (const auto& volume : volumes_of(machine)) {
        if (volume.free >= least_free(volume)) continue;
        full.push_back(volume.name);
        evidence.push_back({"volume " + volume.name,
                            fmt::format("{} MiB free of {}", volume.free / mib, volume.size / mib),
                            fmt::format("at least {} MiB", least_free(volume) / mib)});
    }
    const auto areas = machine.wmi().query(
        R"(root\cimv2)", "SELECT MaxSpace, UsedSpace, AllocatedSpace, Volume FROM Win32_ShadowStorage");
    bool is_limited = false;
    for (const auto& area : areas ? *areas : std::vector<machine::WmiObject>{}) {
        const auto most = machine::number_property(area, "MaxSpace").value_or(0);
        const auto used = machine::number_property(area, "UsedSpace").value_or(0);
        const bool is_small = most != 0 && (most < smallest_area || used + used / 20 >= most);
        if (!is_small) continue;
        is_limited = true;
        evidence.push_back({"shadow storage of " + machine::text_property(area, "Volume"),
                            fmt::format("{} MiB used of at most {}", used / mib, most / mib), "room for changes"});
    }
    if (!event && !is_named_in_log && full.empty()) {
        // An area at its limit throws its oldest copies away, which is how it is meant.
        return Finding::healthy("The volumes have room for shadow copies.", std::move(evidence));
    }
    auto named = volumes_in(event);
    const auto volume = full.empty() && named.size() == 1 ? *named.begin() : std::string("<volume>");
    named.insert(full.begin(), full.end());
    const auto action = fmt::format(
        "{}Let the storage of the volume grow: vssadmin resize shadowstorage /For={} /On={} "
        "/MaxSize=10% (making it smaller deletes shadow copies){}.",
        named.empty() ? std::string() : fmt::format("Free space on {}. ", fmt::join(named, ", ")), volume, volume,
        is_limited ? "" : "; if it can grow already, the disks are too slow for the changes of that time");
    auto finding =
        Finding::needs_operator(full.empty() ? fmt::format("Windows had no room for shadow copies{}{}.",
                                                           named.empty() ? "" : " of ", fmt::join(named, ", "))
                                             : fmt::format("Volumes have too little free space for a "
                                                           "snapshot: {}.",
                                                           fmt::join(full, ", ")),
                                std::move(evidence), action);
    const bool explains = is_named_in_log || (event && last.end() != LastRun::End::succeeded);
    return explains ? finding : std::move(finding).as_risk();
}

}  // namespace

Remediation remediation() {
    return {
        .id = "shadow-storage-exhausted",
        .title = "There is no room for shadow copies",
        .layer = Layer::os_snapshot,
        .scope = Scope::windows,
        .error_codes = {"ExtensionFailedVssWriterInBadState", "ExtensionSnapshotFailed", "VMRestorePointClientError"},
        .explanation =
            "A shadow copy keeps what changes after it in a storage area of limited size. A full volume, a limit that "
            "is too small or disks that are too slow make volsnap delete or refuse shadow copies (events 23, 24, 25, "
            "35, 36 and others). Small volumes without a drive letter (System Reserved, recovery) count too.",
        .source =
            "https://learn.microsoft.com/windows-server/administration/windows-commands/vssadmin-resize-shadowstorage",
        .signals = {judged(storage_failures()),
                    judged(no_volume_for_storage()),
                    {.role = Role::proof, .event = routine_failed(), .with = {no_candidates}, .heals_unsaid = true}},
        .consequences = {"vss-writer-failed", "snapshot-without-threads", "backup-attempt-failed",
                         "backup-extension-state"},
        .diagnose_for = diagnose,
    };
}

}  // namespace remediations::causes::shadow_storage_exhausted
