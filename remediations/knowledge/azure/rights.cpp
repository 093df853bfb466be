#include "remediations/knowledge/azure/rights.hpp"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <map>

#include "remediations/knowledge/azure/arm_answer.hpp"
#include "remediations/knowledge/azure/protected_item.hpp"

namespace remediations::azure {

using machine::Machine;
using machine::Result;

namespace {

using enum RightScope;

// Source: https://learn.microsoft.com/azure/role-based-access-control/permissions-reference
constexpr NeededAction actions[] = {
    {"Microsoft.Compute/virtualMachines/read", vm, "the VM's model"},
    {"Microsoft.Compute/virtualMachines/instanceView/read", vm, "the VM's state, its agent and extensions"},
    {"Microsoft.Compute/virtualMachines/extensions/read", vm, "the VM's extensions"},
    {"Microsoft.Compute/disks/read", vm, "the kinds of its disks"},
    {"Microsoft.Compute/diskEncryptionSets/read", subscription, "the keys of its disks"},
    {"Microsoft.Compute/restorePointCollections/read", subscription, "its restore points"},
    {"Microsoft.Compute/restorePointCollections/restorePoints/read", subscription, "its restore points"},
    {"Microsoft.RecoveryServices/locations/backupStatus/action", subscription, "which vault protects it"},
    {"Microsoft.RecoveryServices/vaults/read", vault, "the vault's state"},
    {"Microsoft.RecoveryServices/vaults/backupProtectedItems/read", vault, "the VM's item in a vault that is named"},
    {"Microsoft.RecoveryServices/vaults/backupFabrics/protectionContainers/protectedItems/read", vault,
     "the VM's item"},
    {"Microsoft.RecoveryServices/vaults/backupJobs/read", vault, "the jobs, and with them the error code"},
    {"Microsoft.RecoveryServices/vaults/backupPolicies/read", vault, "the backup policy"},
    {"Microsoft.Authorization/locks/read", subscription, "locks"},
    {"Microsoft.Authorization/permissions/read", subscription, "this list"},
    {"Microsoft.PolicyInsights/checkPolicyRestrictions/read", subscription, "what a policy would deny"},
    {"Microsoft.Resources/subscriptions/providers/read", subscription, "which providers are registered"},
    {"Microsoft.KeyVault/vaults/read", subscription, "the key vault of an encrypted VM"},
    {"Microsoft.Network/networkInterfaces/effectiveRouteTable/action", subscription,
     "the routes of a VM that does not reach storage"},
    {"Microsoft.Network/networkInterfaces/effectiveNetworkSecurityGroups/action", subscription,
     "the rules for a VM that does not reach storage"},
};

char lowered(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// "actions" and "notActions" of each of the caller's roles at a scope.
struct Permission {
    std::vector<std::string> actions;
    std::vector<std::string> not_actions;
};

std::vector<std::string> texts(const boost::json::value& parent, std::string_view path) {
    std::vector<std::string> found;
    for (const auto& each : list_of(parent, path)) {
        if (each.is_string()) found.emplace_back(each.get_string());
    }
    return found;
}

Result<std::vector<Permission>> permissions_at(const Machine& machine, const std::string& scope) {
    const auto list = ask(machine, {.path = scope + "/providers/Microsoft.Authorization/permissions",
                                    .members = {"actions", "notActions"},
                                    .is_list = true});
    if (!list) return list.error();
    std::vector<Permission> found;
    for (const auto& each : list_of(*list, "")) found.push_back({texts(each, "actions"), texts(each, "notActions")});
    return found;
}

bool allows(const std::vector<Permission>& permissions, std::string_view action) {
    const auto is_covered = [&](const std::string& pattern) { return covers(pattern, action); };
    return std::ranges::any_of(permissions, [&](const Permission& each) {
        return std::ranges::any_of(each.actions, is_covered) && std::ranges::none_of(each.not_actions, is_covered);
    });
}

}  // namespace

std::span<const NeededAction> needed_actions() {
    return actions;
}

bool covers(std::string_view pattern, std::string_view action) {
    std::size_t at = 0;
    std::size_t star = pattern.npos;
    std::size_t resumed = 0;
    std::size_t index = 0;
    while (index < action.size()) {
        if (at < pattern.size() && pattern[at] == '*') {
            star = at++;
            resumed = index;
        } else if (at < pattern.size() && lowered(pattern[at]) == lowered(action[index])) {
            ++at;
            ++index;
        } else if (star != pattern.npos) {
            at = star + 1;
            index = ++resumed;
        } else {
            return false;
        }
    }
    while (at < pattern.size() && pattern[at] == '*') ++at;
    return at == pattern.size();
}

Rights rights_of(const Machine& machine) {
    const auto access = machine.azure().access();
    Rights rights;
    if (!access) {
        rights.problems.push_back(access.error().message);
        return rights;
    }
    auto vault_id = access->vault_id;
    if (vault_id.empty()) {
        const auto& item = machine.derived<ProtectedItem>().item();
        if (item && *item) vault_id = (*item)->vault;
        if (vault_id.empty()) {
            rights.problems.push_back(item ? std::string("No vault protects the VM, as far as this identity may see.")
                                           : "Which vault protects the VM is not known: " + item.error().message + ".");
        }
    }
    std::map<RightScope, Result<std::vector<Permission>>> told;
    const std::pair<RightScope, std::string> scopes[] = {
        {subscription, subscription_of(access->vm_id)}, {vm, access->vm_id}, {vault, vault_id}};
    for (const auto& [scope, id] : scopes) {
        if (id.empty()) continue;
        auto permissions = permissions_at(machine, id);
        if (!permissions) {
            rights.problems.push_back("The rights at " + id + " are not known: " + permissions.error().message + ".");
        }
        told.emplace(scope, std::move(permissions));
    }
    for (const auto& each : actions) {
        const auto at = told.find(each.scope);
        if (at == told.end() || !at->second) {
            rights.unknown.push_back(each);
        } else if (!allows(*at->second, each.action)) {
            rights.missing.push_back(each);
        }
    }
    return rights;
}

}  // namespace remediations::azure
