#include <fmt/format.h>

#include "remediations/knowledge/extension/vss_suspicion.hpp"

namespace remediations::causes::volume_snapshot_devices {

namespace {

constexpr auto key = R"(HKLM\SYSTEM\CurrentControlSet\Enum\STORAGE\VolumeSnapshot)";
constexpr std::size_t many = 1000;

/// The volume with the shadow copies was not available in time.
EventPattern storage_not_present() {
    return {"System", "volsnap", {32}};
}

Finding diagnose(const machine::Machine& machine) {
    const auto* event = newest_current(machine, storage_not_present());
    if (event == nullptr) return Finding::healthy("Windows did not lose its shadow copies.");
    const auto devices = machine.registry().subkeys(key);
    if (!devices && devices.error().kind != machine::ErrorKind::not_found) {
        return Finding::unknown(key, devices.error());
    }
    const auto count = devices ? devices->size() : 0;
    std::vector<Evidence> evidence{evidence_of(*event, "no shadow copy that is lost"),
                                   {key, fmt::format("{} devices", count), fmt::format("below {}", many)}};
    if (count < many) {
        return Finding::needs_operator(
                   "Windows gave up shadow copies because the volume that holds them was not there.",
                   std::move(evidence), "See whether a disk was detached, or came back late after a start of the VM.")
            .as_risk();
    }
    return Finding::needs_operator(
        fmt::format("Windows remembers {} devices of shadow copies that are long gone, and is too slow with them.",
                    count),
        std::move(evidence),
        "Remove the devices that are not present any more: devnodeclean from Microsoft, or in Device Manager with "
        "hidden devices shown, below Storage volume shadow copies. Then restart the VM.");
}

}  // namespace

Remediation remediation() {
    return {
        .id = "volume-snapshot-devices",
        .title = "Thousands of devices of old shadow copies slow Windows down",
        .layer = Layer::os_snapshot,
        .scope = Scope::windows,
        .error_codes = {"ExtensionFailedVssWriterInBadState", "ExtensionSnapshotFailed"},
        .explanation =
            "Windows keeps an entry for every shadow copy that ever was. With thousands of them it takes so long to "
            "look through that volsnap gives up shadow copies as if their volume were missing (event 32).",
        .source =
            "https://learn.microsoft.com/troubleshoot/windows-server/backup-and-storage/"
            "event-id-32-shadow-copies-are-unexpectedly-deleted",
        .signals = {judged(storage_not_present()), proof(storage_not_present())},
        .consequences = {"shadow-storage-exhausted", "backup-attempt-failed", "backup-extension-state"},
        .diagnose = diagnose,
    };
}

}  // namespace remediations::causes::volume_snapshot_devices
