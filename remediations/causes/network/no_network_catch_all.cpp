#include "remediations/knowledge/network/platform_probes.hpp"
#include "remediations/knowledge/network/snapshot_attempt.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::no_network_catch_all {

namespace {

constexpr auto all_failed = "FailedRetryableSnapshotFailedNoNetwork";
constexpr auto no_disks = "taking snapshot failed as blobs are empty or none";
/// Lines of the same attempt that say why, the most useful first.
constexpr const char* reasons[] = {no_disks,
                                   "Failed to call http with error:",
                                   "From Host- IsSuccessful:False",
                                   "Failed to do the snapshot",
                                   "Failed to construct ConfigurationProvider",
                                   "PreSnapshot: Status Code:"};

std::vector<LogPattern> log_lines() {
    std::vector<LogPattern> lines{{Log::extension, all_failed}};
    for (const auto* text : reasons) lines.push_back({Log::extension, text});
    return lines;
}

Finding diagnose(const machine::Machine& machine) {
    const auto* failed = line_of_unsuccessful_attempt(machine, all_failed);
    const auto* attempt = unsuccessful_attempt(machine);
    constexpr int code = 76;
    if (!failed && !(attempt && attempt->result == code)) {
        return Finding::healthy("The newest backup did not fail for all disks at once.");
    }
    std::vector<Evidence> evidence;
    if (failed) evidence.push_back(failed->evidence("snapshots of the disks"));
    if (attempt && !attempt->decisive.file.empty()) evidence.push_back(attempt->decisive.evidence("no error"));
    for (const auto* text : reasons) {
        if (const auto* line = line_of_unsuccessful_attempt(machine, text)) {
            evidence.push_back(line->evidence("no error"));
        }
    }
    if (evidence.empty()) evidence.push_back({"the backup extension's result", "76", "0 or 1"});
    evidence.push_back(machine.derived<WireServerProbes>().probes().front().evidence());
    auto finding = Finding::needs_operator(
        "The snapshots of all disks failed. The extension calls that \"no network\", whatever the reason.",
        std::move(evidence),
        "Read the lines named here: they stand above the code in extension.log and have the reason. An error of Python "
        "means a damaged extension, an HTTP status an answer of the host or of storage; only a failed connection is "
        "the network. Back up again if they tell of nothing.");
    finding.basis = Basis::last_run;
    finding.is_envelope = true;
    return finding;
}

}  // namespace

Remediation remediation() {
    return {
        .id = "no-network-catch-all",
        .title = "The snapshots of all disks failed (\"no network\")",
        .layer = Layer::network,
        .scope = Scope::linux,
        .error_codes = {"ExtensionSnapshotFailedNoNetwork", "FailedRetryableSnapshotFailedNoNetwork", "76"},
        .disruption = Disruption::none,
        .explanation =
            "Result 76 of the backup extension means that no disk's snapshot succeeded, for any reason at all: an "
            "exception in the extension, a host whose service failed, a limit of snapshots, or the network. Other "
            "causes found here explain it.",
        .source = "https://github.com/Azure/azure-linux-extensions/tree/master/VMBackup",
        .signals = all_judged(log_lines()),
        .diagnose = diagnose,
        .fix = nullptr,
    };
}

}  // namespace remediations::causes::no_network_catch_all
