#include "remediations/knowledge/network/snapshot_attempt.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::snapshot_rate_exceeded {

namespace {

// The error of storage, and the extension's name for it. Where every disk failed only the first is logged.
constexpr auto rate_exceeded = "The rate of snapshot blob calls is exceeded";
constexpr auto named = "SnapshotRateExceeded";

Finding diagnose(const machine::Machine& machine) {
    std::vector<Evidence> evidence;
    for (const auto* text : {rate_exceeded, named}) {
        if (const auto* line = line_of_unsuccessful_attempt(machine, text)) {
            evidence.push_back(line->evidence("one snapshot of a disk in a minute"));
        }
    }
    if (evidence.empty()) return Finding::healthy("The newest backup did not ask for snapshots too fast.");
    return Finding::needs_operator(
        "Storage refused a snapshot because snapshots of the disk are taken too fast.", std::move(evidence),
        "Find out what else takes snapshots of the same disks at that time (Site Recovery, another backup product, a "
        "script), and give one of them another hour. Then back up again.");
}

}  // namespace

Remediation remediation() {
    return {
        .id = "snapshot-rate-exceeded",
        .title = "Snapshots of a disk are asked for too fast",
        .layer = Layer::managed_disk,
        .scope = Scope::both,
        .error_codes = {"ExtensionFailedSnapshotRateExceededError", "FailedRetryableSnapshotRateExceeded",
                        "SnapshotRateExceeded", "173"},
        .disruption = Disruption::none,
        .explanation =
            "Storage takes one snapshot of a disk in a minute. When another product takes one at the same time, the "
            "backup's is refused; where that befell every disk, the extension reports \"no network\" instead.",
        .source = "https://learn.microsoft.com/azure/backup/backup-azure-vms-troubleshoot",
        .signals = {judged(Log::extension, rate_exceeded), judged(Log::extension, named)},
        .consequences = {"no-network-catch-all", "snapshot-conflict", "extension-error", "backup-extension-state"},
        .diagnose = diagnose,
    };
}

}  // namespace remediations::causes::snapshot_rate_exceeded
