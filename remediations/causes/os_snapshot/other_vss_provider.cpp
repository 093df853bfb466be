#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "remediations/changes/changes.hpp"
#include "remediations/knowledge/extension/last_run.hpp"
#include "remediations/knowledge/extension/vss_suspicion.hpp"
#include "remediations/knowledge/snapshot/vss_providers.hpp"
#include "remediations/knowledge/snapshot/vss_writers.hpp"

namespace remediations::causes::other_vss_provider {

using machine::Machine;

namespace {

/// 11 and 12292: the provider's COM class cannot be created; 12293: the provider failed.
EventPattern provider_failures() {
    return {"Application", "VSS", {11, 12292, 12293}};
}

std::string describe(const VssProvider& provider) {
    return fmt::format("{} {}", provider.name.empty() ? "a provider without a name" : provider.name, provider.id);
}

/// Returns the newest event that still counts and names the provider or its class.
const machine::Event* failure_of(const Machine& machine, const VssProvider& provider) {
    return newest_current(machine, provider_failures(), [&](const machine::Event& event) {
        const auto named = guids_in(text_of(event));
        const auto names = [&](const std::string& id) {
            return !id.empty() && std::ranges::find(named, id) != named.end();
        };
        return names(provider.id) || names(provider.class_id);
    });
}

Finding diagnose(const Machine& machine) {
    const auto providers = vss_providers(machine);
    if (!providers) return Finding::unknown("the snapshot providers of VSS", providers.error());
    const auto& last = machine.derived<LastRun>();
    std::vector<Evidence> failed;
    std::vector<std::string> failed_names;
    std::vector<Evidence> leftover;
    std::vector<std::string> leftover_names;
    std::vector<std::string> leftover_keys;
    std::vector<Evidence> others;
    std::vector<std::string> other_names;
    bool has_event = false;
    for (const auto& provider : *providers) {
        // Site Recovery is Microsoft's too, and needed: a cause of its own speaks of it.
        if (is_of_windows(provider) || is_of_azure_backup(provider) || is_of_site_recovery(provider)) continue;
        const Evidence shown{provider.key, fmt::format("{}, {}", describe(provider), provider.library),
                             "no provider but those of Windows and Azure Backup"};
        others.push_back(shown);
        other_names.push_back(describe(provider));
        const auto* event = failure_of(machine, provider);
        has_event = has_event || event != nullptr;
        if (is_leftover(provider)) {
            leftover.push_back({provider.key,
                                fmt::format("{}, whose {} is missing", describe(provider), provider.library),
                                "a provider that exists"});
            if (event) leftover.push_back(evidence_of(*event, "no failure of a provider"));
            leftover_names.push_back(describe(provider));
            leftover_keys.push_back(provider.key);
        } else if (event) {
            failed.push_back(shown);
            failed.push_back(evidence_of(*event, "no failure of a provider"));
            failed_names.push_back(describe(provider));
        }
    }
    // An event is newer than the last good backup; a leftover alone may have been there before it.
    const auto weighed = [&](Finding finding) {
        return last.end() == LastRun::End::succeeded && !has_event ? std::move(finding).as_risk() : finding;
    };
    if (!leftover.empty()) {
        auto finding = Finding::broken(
            fmt::format("A snapshot provider is registered whose program is gone: {}.",
                        fmt::join(leftover_names, ", ")),
            std::move(leftover),
            "Uninstall what is left of the product that brought it; or remove the registry key, which VSS reads at the "
            "next snapshot.");
        finding.subjects = std::move(leftover_keys);
        return weighed(std::move(finding));
    }
    if (!failed.empty()) {
        return weighed(Finding::needs_operator(
            fmt::format("The snapshot provider of another product fails: {}.", fmt::join(failed_names, ", ")),
            std::move(failed),
            "Update or uninstall the product that brought this provider; its own service or driver may have stopped."));
    }
    if (others.empty()) return Finding::healthy("VSS has no snapshot provider of another product.");
    auto summary = fmt::format("VSS has snapshot providers of other products: {}.", fmt::join(other_names, ", "));
    if (!last.is_failure()) return Finding::healthy(std::move(summary), std::move(others));
    return Finding::needs_operator(std::move(summary), std::move(others),
                                   "If backups fail at their jobs' times, move those; if nothing else explains the "
                                   "failure, uninstall the product and back up again.")
        .as_risk();
}

machine::Result<void> fix(const Finding& finding, Changes& changes) {
    for (const auto& key : finding.subjects) {
        if (auto removed = changes.remove_registry_key(key); !removed) return removed;
    }
    return {};
}

}  // namespace

Remediation remediation() {
    return {
        .id = "other-vss-provider",
        .title = "The snapshot provider of another product disturbs VSS",
        .layer = Layer::os_snapshot,
        .scope = Scope::windows,
        .error_codes = {"ExtensionFailedVssServiceInBadState", "ExtensionFailedVssWriterInBadState",
                        "ExtensionSnapshotFailed"},
        .disruption = Disruption::workload,
        .explanation =
            "VSS asks every registered provider at each snapshot. One whose program is gone, mostly left over from a "
            "backup product that was uninstalled, or one that fails makes the whole snapshot fail. The fix removes the "
            "registration of providers whose program is missing, where the settings allow it; undo puts it back. One "
            "that exists is only reported.",
        .source = "https://learn.microsoft.com/windows-server/storage/file-server/volume-shadow-copy-service",
        .signals = {judged(provider_failures())},
        .consequences = {"vss-writer-missing", "backup-attempt-failed", "backup-extension-state"},
        .diagnose = diagnose,
        .fix = fix,
    };
}

}  // namespace remediations::causes::other_vss_provider
