#include <fmt/format.h>

#include "remediations/knowledge/extension/last_run.hpp"
#include "remediations/knowledge/extension/vss_suspicion.hpp"

namespace remediations::causes::system_partition_missing {

namespace {

/// ERROR_SYSTEM_DEVICE_NOT_FOUND.
constexpr std::uint32_t system_device_not_found = 0x80073BC3;

/// ASR Writer warns with 12290. The other events contain the code of a routine, a writer or a provider.
EventPattern errors_of_vss() {
    return {"Application", "VSS", {8193, 8229, 12289, 12290, 12293}};
}

Finding diagnose(const machine::Machine& machine) {
    const auto& last = machine.derived<LastRun>();
    const auto* event = newest_current(
        machine, errors_of_vss(), [](const auto& each) { return names_code(text_of(each), system_device_not_found); });
    const bool is_named_in_log = last.is_failure() && names_code(last.failure_text(), system_device_not_found);
    if (event == nullptr && !is_named_in_log) return Finding::healthy("Windows finds its system partition.");
    std::vector<Evidence> evidence;
    if (event) evidence.push_back(evidence_of(*event, "no such error"));
    if (is_named_in_log) evidence.insert(evidence.end(), last.evidence().begin(), last.evidence().end());
    auto finding = Finding::needs_operator(
        "Windows cannot find its system partition (0x80073BC3), so the ASR Writer refuses the snapshot.",
        std::move(evidence),
        "In diskpart (list disk, list volume) bring the disk of the system partition (the EFI one, or the active one) "
        "online and take the attribute hidden away; where two disks have one, take that of the other disk offline. "
        "bcdedit must be able to list its store afterwards. Restarting VSS does not help.");
    if (!event) finding.basis = Basis::last_run;
    return finding;
}

}  // namespace

Remediation remediation() {
    return {
        .id = "system-partition-missing",
        .title = "Windows cannot find its system partition",
        .layer = Layer::os_snapshot,
        .scope = Scope::windows,
        .error_codes = {"ExtensionFailedVssWriterInBadState", "ExtensionSnapshotFailed", "VMRestorePointClientError"},
        .explanation =
            "The ASR Writer and the boot configuration's tools look for the partition from which Windows is started. "
            "Where it is offline, hidden, of the wrong type or there twice, they fail with 0x80073BC3 in every "
            "snapshot.",
        .source = "https://learn.microsoft.com/windows/win32/vss/in-box-vss-writers",
        .signals = {judged(errors_of_vss())},
        .consequences = {"vss-writers-not-reached", "vss-writer-refused", "vss-writer-failed", "vss-writer-missing",
                         "backup-attempt-failed", "backup-extension-state"},
        .diagnose = diagnose,
    };
}

}  // namespace remediations::causes::system_partition_missing
