#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "remediations/machine/machine.hpp"

namespace remediations::azure {

/// The smallest scope at which a role with the action must be assigned.
enum class RightScope { subscription, vm, vault };

struct NeededAction {
    std::string_view action;  ///< "Microsoft.Compute/virtualMachines/read"
    RightScope scope;
    std::string_view serves;  ///< what stays unknown without the action
};

/// Returns all actions that a look needs. The role definition manifest/roles/look.json has the same.
std::span<const NeededAction> needed_actions();

/// Returns true if an action with wildcards ("Microsoft.Compute/*/read") includes another; compares without case.
bool covers(std::string_view pattern, std::string_view action);

struct Rights {
    std::vector<NeededAction> missing;
    std::vector<NeededAction> unknown;  ///< Azure does not answer for that scope, or there is no vault to ask about
    std::vector<std::string> problems;  ///< why, one sentence each
};

/// Asks Azure for the rights of this identity.
Rights rights_of(const machine::Machine& machine);

}  // namespace remediations::azure
