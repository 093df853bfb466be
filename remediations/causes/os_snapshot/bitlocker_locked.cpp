#include <fmt/format.h>
#include <fmt/ranges.h>

#include <boost/algorithm/string/find.hpp>
#include <boost/algorithm/string/predicate.hpp>

#include "remediations/knowledge/extension/last_run.hpp"
#include "remediations/knowledge/extension/vss_suspicion.hpp"

namespace remediations::causes::bitlocker_locked {

namespace {

constexpr auto code = "ExtensionSnapshotBitlockerError";
constexpr auto name_space = R"(root\cimv2\Security\MicrosoftVolumeEncryption)";
constexpr auto query = "SELECT DeviceID, DriveLetter, ProtectionStatus FROM Win32_EncryptableVolume";
constexpr auto locked_volume = "0x80310000";  // FVE_E_LOCKED_VOLUME
/// Of Win32_EncryptableVolume: unknown, because the volume is locked.
constexpr auto locked = "2";

Finding diagnose(const machine::Machine& machine, const Question& question) {
    const auto service = machine.services().find("BDESVC");
    if (!service && service.error().kind == machine::ErrorKind::not_found) {
        return Finding::not_applicable("BitLocker is not installed.");
    }
    const auto& last = machine.derived<LastRun>();
    const bool is_suspect = boost::iequals(question.error_code, code) || last.is_failure() ||
                            vss_is_suspect(machine, question) ||
                            !boost::algorithm::ifind_first(last.failure_text(), "bitlocker").empty();
    if (!is_suspect) return Finding::healthy("No backup failed, so volumes are not asked whether they are locked.");
    const auto volumes = machine.wmi().query(name_space, query);
    if (!volumes && volumes.error().kind == machine::ErrorKind::not_found) {
        return Finding::not_applicable("BitLocker is not installed.");
    }
    if (!volumes) return Finding::unknown("the state of BitLocker's volumes", volumes.error());
    std::vector<std::string> names;
    std::vector<Evidence> evidence;
    for (const auto& volume : *volumes) {
        if (machine::text_property(volume, "ProtectionStatus") != locked) continue;
        const auto letter = machine::text_property(volume, "DriveLetter");
        names.push_back(letter.empty() ? machine::text_property(volume, "DeviceID") : letter);
        evidence.push_back({"volume " + names.back(), "locked by BitLocker", "unlocked"});
    }
    if (names.empty()) return Finding::healthy("No volume is locked by BitLocker.");
    return Finding::needs_operator(
        fmt::format("A volume is locked by BitLocker: {}.", fmt::join(names, ", ")), std::move(evidence),
        fmt::format(
            "Unlock it with its key (manage-bde -unlock {} -RecoveryPassword <key>), and let Windows unlock it at "
            "every start (manage-bde -autounlock -enable {}); or leave its disk out of the backup.",
            names.front(), names.front()));
}

}  // namespace

Remediation remediation() {
    return {
        .id = "bitlocker-locked",
        .title = "A volume is locked by BitLocker",
        .layer = Layer::os_snapshot,
        .scope = Scope::windows,
        .error_codes = {code},
        .explanation =
            "VSS cannot take a snapshot of a volume that is locked. Only who has its key can unlock it; it has to be "
            "unlocked at every backup.",
        .source = "https://learn.microsoft.com/azure/backup/backup-azure-vms-troubleshoot",
        .signals = {proof(Log::extension, locked_volume),
                    {.role = Role::proof, .event = {"Application", "VSS", {8193, 12289}}, .with = {locked_volume}}},
        .consequences = {"backup-attempt-failed", "backup-extension-state"},
        .diagnose_for = diagnose,
    };
}

}  // namespace remediations::causes::bitlocker_locked
