#include <fmt/format.h>

#include <array>
#include <boost/algorithm/string/predicate.hpp>

#include "remediations/knowledge/extension/last_run.hpp"
#include "remediations/knowledge/windows/registry_values.hpp"

namespace remediations::causes::windows_setup_unfinished {

namespace {

constexpr auto setup_key = R"(HKLM\SYSTEM\Setup)";
constexpr auto state_key = R"(HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Setup\State)";
constexpr auto complete = "IMAGE_STATE_COMPLETE";
constexpr std::array flags = {"SystemSetupInProgress", "OOBEInProgress"};

Finding diagnose(const machine::Machine& machine) {
    std::vector<Evidence> evidence;
    for (const auto* flag : flags) {
        const auto where = fmt::format("{}\\{}", setup_key, flag);
        const auto value = registry_number(machine, setup_key, flag);
        if (!value) return Finding::unknown(where, value.error());
        if (value->value_or(0) != 0) evidence.push_back({where, std::to_string(**value), "0"});
    }
    const auto where = fmt::format("{}\\ImageState", state_key);
    const auto image = registry_text(machine, state_key, "ImageState");
    if (!image) return Finding::unknown(where, image.error());
    if (*image && !image->value().empty() && !boost::iequals(**image, complete)) {
        evidence.push_back({where, **image, complete});
    }
    if (evidence.empty()) return Finding::healthy("Windows is completely set up.");
    const auto& last = machine.derived<LastRun>();
    if (last.end() == LastRun::End::succeeded) {
        return Finding::healthy("Windows calls its setup unfinished, but backups succeed.", std::move(evidence));
    }
    auto finding = Finding::needs_operator(
        "Windows is still in its first-run setup, so COM+ does not take the backup's VSS provider.",
        std::move(evidence),
        "Let Windows finish its setup (sysprep, the first-run screens, the provisioning agent), restart it once and "
        "back up again. If it stays in this state, see C:\\Windows\\Panther\\setupact.log and "
        "UnattendGC\\setupact.log.");
    const bool explains = last.is_failure() && last.attempt() && last.attempt()->phase <= BackupPhase::provider;
    return explains ? finding : std::move(finding).as_risk();
}

}  // namespace

Remediation remediation() {
    return {
        .id = "windows-setup-unfinished",
        .title = "Windows is still in its first-run setup",
        .layer = Layer::os_snapshot,
        .scope = Scope::windows,
        .error_codes = {"ExtensionSnapshotFailedCOM", "ExtensionInstallationFailedCOM", "ExtensionSnapshotFailed"},
        .explanation =
            "Until the first-run setup of an image is through, the catalogue of COM+ cannot be changed: the backup's "
            "VSS provider is refused with 0x80110401. Windows notes the state of its setup in the registry.",
        .source = "https://learn.microsoft.com/windows-hardware/manufacture/desktop/windows-setup-states",
        .consequences = {"com-plus-service", "provider-flags", "backup-attempt-failed", "backup-extension-state"},
        .diagnose = diagnose,
    };
}

}  // namespace remediations::causes::windows_setup_unfinished
