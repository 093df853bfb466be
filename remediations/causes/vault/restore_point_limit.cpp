#include <fmt/format.h>
#include <algorithm>
#include <chrono>

#include "remediations/changes/changes.hpp"
#include "remediations/knowledge/azure/arm_answer.hpp"
#include "remediations/knowledge/azure/locks.hpp"
#include "remediations/knowledge/azure/protected_item.hpp"
#include "remediations/knowledge/azure/restore_points.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::restore_point_limit {

Remediation remediation();

namespace {

using namespace remediations::azure;

/// The number in the documentation; an Enhanced policy keeps more.
constexpr std::size_t most_of_standard = 18;

Finding diagnose_in_azure(const machine::Machine& machine, const Question& question) {
    const auto collections = collections_of_backup(machine);
    if (!collections) return not_told(collections.error());
    const auto& policy = machine.derived<BackupPolicy>().policy();
    std::size_t count = 0;
    std::size_t overdue = 0;
    std::vector<Evidence> evidence;
    for (const auto& collection : *collections) {
        std::optional<std::chrono::system_clock::time_point> oldest;
        for (const auto& point : collection.points) {
            ++count;
            if (!point.made) continue;
            if (is_overdue(machine, point)) ++overdue;
            oldest = std::min(oldest.value_or(*point.made), *point.made);
        }
        evidence.push_back({collection.id,
                            fmt::format("{} restore points{}", collection.points.size(),
                                        oldest ? ", the oldest of " + shown(*oldest) : std::string()),
                            fmt::format("none older than {} days", days_kept(machine).count())});
    }
    const bool is_enhanced = policy && policy->is_enhanced;
    const bool is_full = count >= most_of_standard && !is_enhanced;
    if (!is_full && overdue == 0) {
        return Finding::healthy(
            fmt::format("The VM has {} restore point{} of Azure Backup, none overdue.", count, count == 1 ? "" : "s"),
            std::move(evidence));
    }
    auto finding = Finding::needs_operator(
        overdue > 0 ? fmt::format("{} of {} restore points of the VM should have been deleted by now.", overdue, count)
                    : fmt::format("The VM has {} restore points, as many as it may have.", count),
        std::move(evidence), remediation().instructions);
    for (const auto& collection : *collections) {
        if (may_change(machine, question, collection.id)) finding.subjects.push_back(collection.id);
    }
    if (!finding.subjects.empty()) finding.state = State::broken;
    if (is_full || explains(remediation(), question.error_code)) return finding;
    return std::move(finding).as_risk();
}

machine::Result<void> fix(const Finding& finding, Changes& changes) {
    // Loses data, so the collection is looked at once more: it is Azure Backup's, and of this VM.
    const auto collections = collections_of_backup(changes.machine());
    if (!collections) return collections.error();
    for (const auto& id : finding.subjects) {
        const auto is_this = [&](const auto& collection) { return is_same_id(collection.id, id); };
        if (std::ranges::none_of(*collections, is_this)) continue;
        if (auto allowed = no_lock_on(changes.machine(), id, LockedAct::deletion); !allowed) return allowed;
        if (auto deleted = changes.delete_restore_points(id); !deleted) return deleted;
    }
    changes.azure_shows([&](const machine::Machine& machine) {
        const auto left = collections_of_backup(machine);
        return left && std::ranges::none_of(*left, [&](const auto& collection) {
                   return std::ranges::any_of(finding.subjects,
                                              [&](const auto& id) { return is_same_id(collection.id, id); });
               });
    });
    return {};
}

}  // namespace

Remediation remediation() {
    return {
        .id = "restore-point-limit",
        .title = "The VM has as many restore points as it may have",
        .layer = Layer::vault,
        .scope = Scope::both,
        .error_codes = {"UserErrorRpCollectionLimitReached"},
        .disruption = Disruption::workload,
        .explanation =
            "Old instant restore points are deleted when their retention ends. They pile up when a lock on "
            "AzureBackupRG_<region>_<number> or on the subscription forbids that, or when several backups a day are "
            "kept for many days. The snapshots in the VM succeed meanwhile.",
        .source = "https://learn.microsoft.com/azure/backup/backup-azure-troubleshoot-vm-backup-fails-snapshot-timeout",
        .acts_in_azure = true,
        .instructions =
            "List the collections, az restore-point collection list-all, and take those whose source is this VM. First "
            "remove locks: az lock list --resource-group AzureBackupRG_<region>_<number> and az lock list for the "
            "subscription. Then back up on demand: it may fail once, but starts the cleanup, which takes some hours. "
            "Only when the next scheduled backup fails too, delete the collection with az restore-point collection "
            "delete --resource-group AzureBackupRG_<region>_<number> --restore-point-collection-name <name>; this "
            "loses the instant restore points, not the recovery points in the vault, and a large collection may need "
            "two or three tries.",
        .diagnose_in_azure = diagnose_in_azure,
        .fix = fix,
    };
}

}  // namespace remediations::causes::restore_point_limit
