#include "remediations/knowledge/network/snapshot_attempt.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::snapshot_conflict {

namespace {

constexpr auto some_failed = "FailedRetryableSnapshotFailedRestrictedNetwork";
constexpr auto conflict = "snapshot result: errorcode: 409";
constexpr auto refused_by_storage = "snapshot api returned: 409";

Finding diagnose(const machine::Machine& machine) {
    const auto* some = line_of_unsuccessful_attempt(machine, some_failed);
    const auto* attempt = unsuccessful_attempt(machine);
    constexpr int code = 761;
    std::vector<Evidence> evidence;
    for (const auto* text : {conflict, refused_by_storage}) {
        if (const auto* line = line_of_unsuccessful_attempt(machine, text)) evidence.push_back(line->evidence("201"));
    }
    const bool is_conflict = !evidence.empty();
    if (!some && !is_conflict && !(attempt && attempt->result == code)) {
        return Finding::healthy("The newest backup did not fail for some of its disks.");
    }
    if (some) evidence.push_back(some->evidence("snapshots of all disks"));
    if (attempt && !attempt->decisive.file.empty()) evidence.push_back(attempt->decisive.evidence("no error"));
    if (evidence.empty()) evidence.push_back({"the backup extension's result", "761", "0 or 1"});
    return Finding::needs_operator(
        is_conflict
            ? "Storage refused the snapshot of a disk with HTTP 409, a conflict; other disks may have succeeded."
            : "Snapshots of some disks succeeded, of others not. It is called \"restricted network\", but an "
              "answer came for some.",
        std::move(evidence),
        "See that no other product, Site Recovery or export takes snapshots of, or reads, the same disk at the same "
        "time, and back up again: the extension then takes the snapshots one after the other. If one disk fails every "
        "time, exclude it or ask Azure support with these lines.");
}

}  // namespace

Remediation remediation() {
    return {
        .id = "snapshot-conflict",
        .title = "Storage refused the snapshots of some disks",
        .layer = Layer::managed_disk,
        .scope = Scope::linux,
        .error_codes = {"FailedRetryableSnapshotFailedRestrictedNetwork", "761", "ExtensionSnapshotFailedNoNetwork"},
        .disruption = Disruption::none,
        .explanation =
            "Result 761 of the backup extension means that some disks' snapshots succeeded and others did not, for any "
            "reason; its name says network. HTTP 409 is an answer of storage: another operation on that disk was under "
            "way.",
        .source = "https://github.com/Azure/azure-linux-extensions/issues/494",
        .signals = {judged(Log::extension, some_failed), judged(Log::extension, conflict),
                    judged(Log::extension, refused_by_storage)},
        .consequences = {"extension-error", "backup-extension-state"},
        .diagnose = diagnose,
    };
}

}  // namespace remediations::causes::snapshot_conflict
