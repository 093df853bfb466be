#include "remediations/knowledge/network/snapshot_attempt.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::snapshot_limit_reached {

namespace {

// The error of storage, and the extension's name for it. Where every disk failed only the first is logged.
constexpr auto count_exceeded = "The snapshot count against this blob has been exceeded";
constexpr auto named = "FailedSnapshotLimitReached";

Finding diagnose(const machine::Machine& machine) {
    std::vector<Evidence> evidence;
    for (const auto* text : {count_exceeded, named}) {
        if (const auto* line = line_of_unsuccessful_attempt(machine, text)) {
            evidence.push_back(line->evidence("room for another snapshot"));
        }
    }
    if (evidence.empty()) return Finding::healthy("No disk had too many snapshots for the newest backup.");
    return Finding::needs_operator(
        "A disk has as many snapshots as it may have.", std::move(evidence),
        "Delete snapshots of that disk that nothing needs any more: see what makes them (Site Recovery, another backup "
        "product, a script) and let it clean up. For unmanaged disks list the snapshots of the blob in its storage "
        "account. If Site Recovery protects the VM, move the backup to another hour.");
}

}  // namespace

Remediation remediation() {
    return {
        .id = "snapshot-limit-reached",
        .title = "A disk has as many snapshots as it may have",
        .layer = Layer::managed_disk,
        .scope = Scope::both,
        .error_codes = {"ExtensionFailedSnapshotLimitReachedError", "FailedSnapshotLimitReached", "85"},
        .disruption = Disruption::none,
        .explanation =
            "Storage keeps a limited number of snapshots of a disk. When others fill it, the backup's snapshot is "
            "refused; where that befell every disk, the extension reports \"no network\" instead. Settings that old "
            "pages name (isanysnapshotfailed) have no effect.",
        .source = "https://learn.microsoft.com/azure/backup/backup-azure-vms-troubleshoot",
        .signals = {judged(Log::extension, count_exceeded), judged(Log::extension, named)},
        .consequences = {"no-network-catch-all", "snapshot-conflict", "extension-error", "backup-extension-state"},
        .diagnose = diagnose,
    };
}

}  // namespace remediations::causes::snapshot_limit_reached
