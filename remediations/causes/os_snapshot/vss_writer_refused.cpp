#include <fmt/format.h>

#include <algorithm>

#include "remediations/knowledge/extension/last_run.hpp"
#include "remediations/knowledge/extension/vss_suspicion.hpp"
#include "remediations/knowledge/snapshot/vss_writer_services.hpp"
#include "remediations/knowledge/snapshot/vss_writers.hpp"

namespace remediations::causes::vss_writer_refused {

namespace {

EventPattern refusals() {
    return {"Application", "VSS", {8229}};
}

struct Refusal {
    std::uint32_t code;
    std::string_view meaning;
    std::string_view advice;
};

/// VSS_E_WRITERERROR_... of vsserror.h.
constexpr Refusal reasons[] = {
    {0x800423F0, "its data is only in part on the volumes of the snapshot",
     "See in the selective disk backup whether a disk with its data is left out."},
    {0x800423F1, "it has no memory or other resources left",
     "Free memory and disk space, or give the VM more of them."},
    {0x800423F2, "it did not come to rest in time",
     "Move the backup to a quieter time or use faster disks; the application was too busy to write out its data."},
    {0x800423F3, "it failed, but may succeed the next time",
     "Back up again. If it fails again, see what the application logs at that time."},
    {0x800423F4, "it failed and will fail again", "See what the application logs at that time and repair that."},
};

bool is_of_cluster_volumes(const machine::Event& event) {
    const auto named = guids_in(text_of(event));
    return std::ranges::find(named, cluster_volume_writer_id) != named.end();
}

Finding diagnose(const machine::Machine& machine) {
    const auto* event =
        newest_current(machine, refusals(), [](const auto& each) { return !is_of_cluster_volumes(each); });
    if (event == nullptr) return Finding::healthy("No VSS writer refused a snapshot since the last good backup.");
    const auto text = text_of(*event);
    const WriterOwner* owner = nullptr;
    std::string writer = "a VSS writer";
    for (const auto& id : guids_in(text)) {
        owner = owner_of_writer(id, "");
        if (owner == nullptr) continue;
        writer = owner->writer;
        break;
    }
    const auto* reason = std::ranges::find_if(reasons, [&](const auto& each) { return names_code(text, each.code); });
    const bool is_known = reason != std::end(reasons);
    auto action = std::string(is_known ? reason->advice : reasons[4].advice);
    if (owner && owner->restart == WriterService::workload && !owner->service.empty()) {
        action += fmt::format(" Its service is {}.", owner->service);
    }
    return Finding::needs_operator(
        fmt::format("{} refused the snapshot: {}.", writer, is_known ? reason->meaning : "the event says why"),
        {evidence_of(*event, "no writer that refuses")}, std::move(action));
}

}  // namespace

extern const Remediation remediation{
    .id = "vss-writer-refused",
    .title = "A VSS writer refused the snapshot",
    .layer = Layer::os_snapshot,
    .scope = Scope::windows,
    .error_codes = {"ExtensionFailedVssWriterInBadState", "ExtensionSnapshotFailed", "VMRestorePointClientError"},
    .explanation =
        "VSS logs each writer that refuses a snapshot, with its class id and a code (event 8229). The writer may be "
        "stable again by now; the next backup fails for the same reason unless the application behind it is repaired.",
    .source = "https://learn.microsoft.com/windows/win32/vss/overview-of-processing-a-backup-under-vss",
    .events = {refusals()},
    .consequences = {"snapshot-without-threads", "backup-attempt-failed", "backup-extension-state"},
    .diagnose = diagnose,
};

}  // namespace remediations::causes::vss_writer_refused
