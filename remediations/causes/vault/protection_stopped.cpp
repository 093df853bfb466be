#include <fmt/format.h>
#include <boost/algorithm/string/predicate.hpp>

#include "remediations/changes/changes.hpp"
#include "remediations/knowledge/azure/arm_answer.hpp"
#include "remediations/knowledge/azure/locks.hpp"
#include "remediations/knowledge/azure/protected_item.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::protection_stopped {

Remediation remediation();

namespace {

using namespace remediations::azure;

/// Returns the one policy of the item's vault that a person named to go on with; empty where there is none.
std::string named_policy(const machine::Machine& machine, const Question& question, const std::string& vault) {
    std::string policy;
    for (const auto& id : question.azure_allow) {
        if (!may_change(machine, question, id) || !is_same_id(id, vault + "/backupPolicies/" + name_of(id))) continue;
        if (!policy.empty()) return {};
        policy = id;
    }
    return policy;
}

Finding diagnose_in_azure(const machine::Machine& machine, const Question& question) {
    const auto& item = machine.derived<ProtectedItem>().item();
    if (!item) return not_told(item.error());
    if (!*item) {
        const auto access = machine.azure().access();
        return Finding::needs_operator(
            "No Recovery Services vault protects this VM.",
            {{access->vault_id.empty() ? "Azure Backup" : access->vault_id, "no item for " + access->vm_id,
              "an item that protects the VM"}},
            fmt::format("Protect it: az backup protection enable-for-vm --vm \"{}\" --vault-name <vault> "
                        "--resource-group <group of the vault> --policy-name <policy>.",
                        access->vm_id));
    }
    const auto& state = (*item)->protection_state;
    const Evidence evidence{(*item)->id, fmt::format("protectionState {}", state), "Protected"};
    if ((*item)->is_soft_deleted) {
        return Finding::needs_operator(
            "The VM's backup item was deleted; its data is kept for a while.",
            {{(*item)->id, "deleted, and kept (soft delete)", "not deleted"}},
            fmt::format("Take the deletion back{}: az backup protection undelete, then az backup protection resume.",
                        (*item)->deleted_for_good ? " before " + shown(*(*item)->deleted_for_good) : std::string()));
    }
    if (boost::iequals(state, "BackupsSuspended")) {
        return Finding::needs_operator("The vault has suspended the backups of this VM.", {evidence},
                                       "See the vault's Properties > immutability and multi-user authorization: who "
                                       "changed them has to allow backups again.");
    }
    const bool is_stopped = boost::iequals(state, "ProtectionStopped") || boost::iequals(state, "ProtectionPaused");
    if (is_stopped || (*item)->policy.empty()) {
        auto finding = Finding::needs_operator(
            "The protection of this VM was stopped; its data is kept.",
            {evidence, {(*item)->id, (*item)->policy.empty() ? "no policy" : (*item)->policy, "a backup policy"}},
            remediation().instructions);
        const bool can_go_on = !boost::iequals(state, "ProtectionPaused");
        if (auto policy = named_policy(machine, question, (*item)->vault); can_go_on && !policy.empty()) {
            finding.state = State::broken;
            finding.subjects = {std::move(policy)};
        }
        return finding;
    }
    return Finding::healthy("A vault protects this VM.", {evidence});
}

machine::Result<void> fix(const Finding& finding, Changes& changes) {
    const auto& item = changes.machine().derived<ProtectedItem>().item();
    if (!item) return item.error();
    if (!*item) return machine::Error::not_found("the vault's item of this VM is gone");
    const auto id = (*item)->id;
    if (auto allowed = no_lock_on(changes.machine(), id, LockedAct::write); !allowed) return allowed;
    if (auto set = changes.set_protection_policy(id, (*item)->source_id, finding.subjects.front()); !set) return set;
    changes.azure_shows([&](const machine::Machine& machine) {
        const auto& now = machine.derived<ProtectedItem>().item();
        return now && *now && is_same_id((*now)->policy, finding.subjects.front()) &&
               !boost::iequals((*now)->protection_state, "ProtectionStopped");
    });
    return {};
}

}  // namespace

Remediation remediation() {
    return {
        .id = "protection-stopped",
        .title = "The vault does not protect this VM at present",
        .layer = Layer::vault,
        .scope = Scope::both,
        .error_codes = {"UserErrorBcmDatasourceNotPresent"},
        .disruption = Disruption::none,
        .explanation = "Its protection was stopped, with its data kept, or paused. No backup runs until it is resumed.",
        .source = "https://learn.microsoft.com/azure/backup/backup-azure-troubleshoot-vm-backup-fails-snapshot-timeout",
        .acts_in_azure = true,
        .instructions =
            "In the vault: Backup items > Azure Virtual Machine > this VM > Resume backup, with a policy; or az backup "
            "protection resume --policy-name <policy> --container-name <vm> --item-name <vm> --vault-name <vault> "
            "--resource-group <group>.",
        .diagnose_in_azure = diagnose_in_azure,
        .fix = fix,
    };
}

}  // namespace remediations::causes::protection_stopped
