#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <boost/algorithm/string/predicate.hpp>

#include "remediations/changes/changes.hpp"
#include "remediations/knowledge/azure/arm_answer.hpp"
#include "remediations/knowledge/azure/locks.hpp"
#include "remediations/knowledge/azure/protected_item.hpp"
#include "remediations/knowledge/azure/restore_points.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::resource_lock {

Remediation remediation();

namespace {

using namespace remediations::azure;

/// The error code of a backup when too many restore points were not deleted.
constexpr auto code_of_limit = "UserErrorRpCollectionLimitReached";

/// Returns true if a lock prevents Azure Backup from deleting its restore points: on their group, or above it.
bool hinders_cleanup(const machine::Machine& machine, const ManagementLock& lock,
                     const std::vector<RestorePointCollection>& collections) {
    const bool is_of_subscription = part_of(lock.scope, "resourceGroups").empty();
    if (!is_of_subscription && !is_in_group_of_backup(machine, lock.scope)) return false;
    // Without a collection to compare with, every such group counts; one of another region is not this VM's.
    return collections.empty() ||
           std::ranges::any_of(collections, [&](const auto& collection) { return lock.holds_for(collection.id); });
}

Evidence evidence_of(const ManagementLock& lock, const char* expected) {
    return {lock.id, lock.notes.empty() ? lock.level : fmt::format("{}: {}", lock.level, lock.notes), expected};
}

Finding diagnose_in_azure(const machine::Machine& machine, const Question& question) {
    const auto& seen = machine.derived<Locks>();
    if (!seen.all()) return not_told(seen.all().error());
    const auto collections = collections_of_backup(machine);
    const auto& item = machine.derived<ProtectedItem>().item();
    const auto vm_id = machine.azure().access()->vm_id;
    const auto vault = item && *item ? (*item)->vault : std::string();
    std::vector<Evidence> evidence;
    std::vector<std::string> ids;
    bool blocks_requests = false;
    for (const auto& lock : *seen.all()) {
        const bool on_way = lock.is_read_only() && (lock.holds_for(vm_id) || (!vault.empty() && lock.holds_for(vault)));
        const bool on_cleanup =
            hinders_cleanup(machine, lock, collections ? *collections : std::vector<RestorePointCollection>());
        if (!on_way && !on_cleanup) continue;
        blocks_requests = blocks_requests || on_way;
        evidence.push_back(evidence_of(lock, on_way ? "no ReadOnly lock, which forbids every request but GET"
                                                    : "no lock where Azure Backup deletes old restore points"));
        ids.push_back(lock.id);
    }
    if (evidence.empty()) {
        if (seen.sees_all()) return Finding::healthy("No lock holds for the VM, its vault or its restore points.");
        return not_told(machine::Error::access_denied(
            "the locks of the subscription may not be seen, only those of the VM's group", 403));
    }
    // Some alone would not help, and the others stay.
    const bool may_remove = std::ranges::all_of(ids, [&](const auto& id) { return may_change(machine, question, id); });
    auto finding = Finding::needs_operator(
        blocks_requests ? "A ReadOnly lock forbids what a backup of the VM has to do."
                        : "A lock keeps Azure Backup from deleting its old restore points.",
        std::move(evidence),
        fmt::format("Note level and notes, then delete the lock: az lock delete --ids \"{}\". Back up again: the first "
                    "backup may still fail, but starts the cleanup, which takes some hours. Put the lock back only on "
                    "what Azure Backup does not own.",
                    fmt::join(ids, "\" \"")));
    if (may_remove) {
        finding.state = State::broken;
        finding.subjects = ids;
    }
    // The cleanup is missed only once too many points are left.
    if (blocks_requests || explains(remediation(), question.error_code) ||
        boost::iequals(question.error_code, code_of_limit)) {
        return finding;
    }
    return std::move(finding).as_risk();
}

machine::Result<void> fix(const Finding& finding, Changes& changes) {
    for (const auto& id : finding.subjects) {
        if (auto removed = changes.remove_azure_lock(id); !removed) return removed;
    }
    changes.azure_shows([&](const machine::Machine& machine) {
        const auto& locks = machine.derived<Locks>().all();
        return locks && std::ranges::none_of(*locks, [&](const ManagementLock& lock) {
                   return std::ranges::any_of(finding.subjects,
                                              [&](const auto& id) { return is_same_id(lock.id, id); });
               });
    });
    return {};
}

}  // namespace

Remediation remediation() {
    return {
        .id = "resource-lock",
        .title = "A resource lock stops Azure Backup from cleaning up its restore points",
        .layer = Layer::vault,
        .scope = Scope::both,
        .error_codes = {"UserErrorResourceIsInLockedState", "UserErrorScopeLocked",
                        "UserErrorResourceGroupLockPreventsManagedRpDelete", "UserErrorStorageAccountIsLocked"},
        .disruption = Disruption::workload,
        .explanation =
            "Azure Backup keeps the restore points of managed disks in a resource group of its own, "
            "AzureBackupRG_<region>_<number>. A lock on that group, or one inherited from the subscription, forbids it "
            "to delete the old ones. A ReadOnly lock on the VM, its vault or above them forbids every request but GET. "
            "It is seen where Azure may be asked (setting azure); whoever may write Microsoft.Authorization/locks can "
            "change it: an owner, user access administrator or Locks Contributor.",
        .source = "https://learn.microsoft.com/azure/backup/backup-azure-troubleshoot-vm-backup-fails-snapshot-timeout",
        .consequences = {"restore-point-limit"},
        .acts_in_azure = true,
        .instructions =
            "Find the lock: az lock list --resource-group AzureBackupRG_<region>_<number>, the same for the VM's "
            "resource group, and az lock list for the subscription (locks are inherited). Note its level, notes and "
            "owners, delete it with az lock delete --ids <id> (portal: the resource group > Settings > Locks), and "
            "back up again: the first backup may still fail, but starts the cleanup, which takes some hours. Put the "
            "lock back only on what Azure Backup does not own.",
        .diagnose_in_azure = diagnose_in_azure,
        .fix = fix,
    };
}

}  // namespace remediations::causes::resource_lock
