#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <boost/algorithm/string/predicate.hpp>

#include "remediations/knowledge/extension/last_run.hpp"
#include "remediations/knowledge/extension/vss_suspicion.hpp"
#include "remediations/knowledge/windows/registry_values.hpp"

namespace remediations::causes::volume_filter_drivers {

using machine::Machine;

namespace {

/// The drivers of the class Volume, which are in every volume's stack.
constexpr auto class_key = R"(HKLM\SYSTEM\CurrentControlSet\Control\Class\{71a27cdd-812a-11d0-bec7-08002be2092f})";
constexpr auto services_key = R"(HKLM\SYSTEM\CurrentControlSet\Services)";
constexpr auto snapshot_driver = "volsnap";
constexpr auto remedy =
    "Update the products of these drivers, or uninstall one that is not needed, restart Windows and back up again.";
constexpr std::array<std::string_view, 4> of_windows = {"volsnap", "fvevol", "rdyboost", "iorate"};

/// A request to a shadow copy that a driver in its stack does not know. VSS writes the same event for floppy drives,
/// which is harmless; the device in the event tells the difference.
EventPattern unexpected_errors() {
    return {"Application", "VSS", {12289}};
}

const machine::Event* refused_request(const Machine& machine) {
    return newest_current(machine, unexpected_errors(), [](const auto& event) {
        const auto text = text_of(event);
        return boost::contains(text, "0x80070001") && boost::contains(text, R"(\Device\HarddiskVolumeShadowCopy)");
    });
}

machine::Result<std::vector<std::string>> filters(const Machine& machine, const char* name) {
    const auto value = machine.registry().value(class_key, name);
    if (!value && value.error().kind == machine::ErrorKind::not_found) return std::vector<std::string>{};
    if (!value) return value.error();
    if (const auto* list = std::get_if<std::vector<std::string>>(&value->data)) return *list;
    if (const auto* text = std::get_if<std::string>(&value->data)) return std::vector<std::string>{*text};
    return std::vector<std::string>{};
}

bool is_one_of_windows(std::string_view driver) {
    return std::ranges::any_of(of_windows, [&](auto known) { return boost::iequals(known, driver); });
}

Finding diagnose(const Machine& machine) {
    std::vector<Evidence> evidence;
    std::vector<std::string> others;
    std::vector<std::string> gone;
    bool has_snapshots = false;
    bool is_known = false;
    for (const auto* name : {"UpperFilters", "LowerFilters"}) {
        const auto where = fmt::format("{}\\{}", class_key, name);
        const auto drivers = filters(machine, name);
        if (!drivers) return Finding::unknown(where, drivers.error());
        if (drivers->empty()) continue;
        is_known = true;
        evidence.push_back({where, fmt::format("{}", fmt::join(*drivers, ", ")), "the drivers of Windows"});
        for (const auto& driver : *drivers) {
            has_snapshots = has_snapshots || boost::iequals(driver, snapshot_driver);
            if (driver.empty() || is_one_of_windows(driver)) continue;
            others.push_back(driver);
            const auto key = fmt::format("{}\\{}", services_key, driver);
            if (registry_key_exists(machine, key) != false) continue;
            gone.push_back(driver);
            evidence.push_back({key, "missing", "the driver's key"});
        }
    }
    if (!is_known) return Finding::not_applicable("Nothing is known of the filter drivers of volumes.");
    const auto& last = machine.derived<LastRun>();
    if (last.end() == LastRun::End::succeeded) {
        return Finding::healthy("The filter drivers of volumes let the last backup succeed.", std::move(evidence));
    }
    if (!has_snapshots) {
        return Finding::needs_operator(
            "The driver of shadow copies (volsnap) is not in the stack of volumes, so no snapshot can be taken.",
            std::move(evidence),
            fmt::format("Add volsnap to UpperFilters (REG_MULTI_SZ) in {} and restart Windows.", class_key));
    }
    if (!gone.empty()) {
        auto finding = Finding::needs_operator(
            fmt::format("Volumes are to be filtered by drivers that are gone: {}.", fmt::join(gone, ", ")),
            std::move(evidence),
            fmt::format("Take {} out of UpperFilters and LowerFilters in {}, leaving the others, and restart Windows.",
                        fmt::join(gone, ", "), class_key));
        return last.is_failure() ? finding : std::move(finding).as_risk();
    }
    const auto phase = last.attempt() ? last.attempt()->phase : BackupPhase::none;
    const bool failed_at_volumes =
        last.is_failure() && phase >= BackupPhase::snapshot_set && phase <= BackupPhase::volume_snapshot;
    if (others.empty() || !failed_at_volumes) {
        return Finding::healthy("The filter drivers of volumes are known.", std::move(evidence));
    }
    if (const auto* event = refused_request(machine)) {
        evidence.push_back(evidence_of(*event, "every driver knows the requests to a shadow copy"));
        return Finding::needs_operator(
            fmt::format("A driver does not know a request to the shadow copy, and drivers of other products filter the "
                        "volumes: {}.",
                        fmt::join(others, ", ")),
            std::move(evidence), remedy);
    }
    return Finding::needs_operator(
               fmt::format("Drivers of other products filter the volumes: {}.", fmt::join(others, ", ")),
               std::move(evidence), std::string("Only if nothing else explains the failure: ") + remedy)
        .as_risk();
}

}  // namespace

Remediation remediation() {
    return {
        .id = "volume-filter-drivers",
        .title = "A filter driver of volumes disturbs shadow copies",
        .layer = Layer::os_snapshot,
        .scope = Scope::windows,
        .error_codes = {"ExtensionFailedVssServiceInBadState", "ExtensionSnapshotFailed"},
        .explanation =
            "The registry names the drivers through which every access to a volume passes. Shadow copies are made by "
            "one of them, volsnap; without it there are none. Drivers of replication, encryption and backup products "
            "stand beside it, and one that is gone or faulty makes snapshots fail. The order matters, so nothing is "
            "changed from here.",
        .source =
            "https://learn.microsoft.com/windows-hardware/drivers/install/"
            "system-defined-device-setup-classes-available-to-vendors",
        .signals = {judged(unexpected_errors())},
        .consequences = {"snapshot-without-threads", "snapshot-too-slow", "backup-attempt-failed",
                         "backup-extension-state"},
        .diagnose = diagnose,
    };
}

}  // namespace remediations::causes::volume_filter_drivers
