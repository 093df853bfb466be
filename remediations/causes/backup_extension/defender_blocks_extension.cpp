#include <fmt/format.h>

#include <algorithm>
#include <boost/algorithm/string/predicate.hpp>

#include "remediations/changes/changes.hpp"
#include "remediations/knowledge/extension/blocked_program.hpp"
#include "remediations/knowledge/windows/registry_values.hpp"

namespace remediations::causes::defender_blocks_extension {

using machine::Machine;
using machine::Path;

namespace {

constexpr auto policy_key = R"(HKLM\SOFTWARE\Policies\Microsoft\Windows Defender\Exclusions)";
constexpr auto policy_switch = "Exclusions_Paths";
/// The key of exclusions that were made by other means. Only Defender may write there.
constexpr auto settings_paths = R"(HKLM\SOFTWARE\Microsoft\Windows Defender\Exclusions\Paths)";

std::string policy_paths() {
    return std::string(policy_key) + R"(\Paths)";
}

/// 1006 to 1008, 1116 to 1119: it found something and acted on it; 1121: an attack surface reduction rule; 1123:
/// controlled folders.
std::vector<EventPattern> actions() {
    return {{"Microsoft-Windows-Windows Defender/Operational",
             "Microsoft-Windows-Windows Defender",
             {1006, 1007, 1008, 1116, 1117, 1118, 1119, 1121, 1123}}};
}

bool covers(const std::string& exclusion, const Path& path) {
    auto folder = exclusion;
    while (folder.ends_with('\\')) folder.pop_back();
    return !folder.empty() && boost::istarts_with(path, folder) &&
           (path.size() == folder.size() || path[folder.size()] == '\\');
}

bool is_excluded(const Machine& machine, const Path& path) {
    const auto policy = registry_number(machine, policy_key, policy_switch);
    const bool policy_counts = policy && *policy == std::uint64_t{1};
    for (const auto& key : {policy_paths(), std::string(settings_paths)}) {
        if (key == policy_paths() && !policy_counts) continue;
        const auto names = machine.registry().value_names(key);
        if (names && std::ranges::any_of(*names, [&](const auto& name) { return covers(name, path); })) return true;
    }
    return false;
}

Finding diagnose(const Machine& machine) {
    const auto* event = newest_about_extension(machine, actions());
    if (event == nullptr) return Finding::healthy("Microsoft Defender did not act on the backup extension.");
    std::vector<Evidence> evidence{evidence_of(*event, "no action on the backup extension")};
    const auto places = extension_places(machine);
    bool is_missing = false;
    for (const auto& place : places) {
        const bool excluded = is_excluded(machine, place);
        is_missing = is_missing || !excluded;
        evidence.push_back({"Defender exclusion of " + place, excluded ? "there" : "none", "there"});
    }
    if (!is_missing) {
        return Finding::healthy("Microsoft Defender acted on the backup extension, whose folders are excluded by now.",
                                std::move(evidence));
    }
    return Finding::broken(
               "Microsoft Defender acted on a file of the backup extension.", std::move(evidence),
               fmt::format(
                   "See in Defender's protection history what it found; if the file is Microsoft's, allow it there and "
                   "exclude {} and {}. Where Defender is managed centrally, do it there.",
                   places[0], places[1]))
        .as_security_change();
}

machine::Result<void> fix(const Finding&, Changes& changes) {
    const machine::RegistryValue on{machine::RegistryType::dword, std::uint64_t{1}};
    if (auto set = changes.set_registry_value(policy_key, policy_switch, on); !set) return set;
    for (const auto& place : extension_places(changes.machine())) {
        if (is_excluded(changes.machine(), place)) continue;
        // The form of the group policy: the value's name is the path, and its data means nothing.
        const machine::RegistryValue listed{machine::RegistryType::string, std::string("0")};
        if (auto set = changes.set_registry_value(policy_paths(), place, listed); !set) return set;
    }
    return {};
}

}  // namespace

Remediation remediation() {
    return {
        .id = "defender-blocks-extension",
        .title = "Microsoft Defender acts on the backup extension",
        .layer = Layer::backup_extension,
        .scope = Scope::windows,
        .error_codes = {"VMRestorePointInternalError", "GuestAgentSnapshotTaskStatusError", "ExtensionOperationFailed",
                        "ExtentionOperationFailed", "ExtensionInstallationFailure", "VMExtensionProvisioningError",
                        "InternalError"},
        .disruption = Disruption::workload,
        .explanation =
            "Antivirus that removes or blocks files of the extension stops every backup. The fix excludes the "
            "extension's two folders by policy, where the settings allow it, because an exclusion makes the VM less "
            "protected; Defender itself is never switched off. Undo takes the exclusions back. Other antivirus is only "
            "reported.",
        .source = "https://learn.microsoft.com/azure/backup/backup-azure-troubleshoot-vm-backup-fails-snapshot-timeout",
        .signals = all_judged(actions()),
        .consequences = {"extension-crashed", "extension-damaged", "provider-flags", "backup-attempt-failed",
                         "backup-extension-state"},
        .diagnose = diagnose,
        .fix = fix,
    };
}

}  // namespace remediations::causes::defender_blocks_extension
