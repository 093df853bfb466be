#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "remediations/machine/machine.hpp"

namespace remediations::azure {

/// Where a role with the action has to be assigned, at least.
enum class RightScope { subscription, vm, vault };

struct NeededAction {
    std::string_view action;  ///< "Microsoft.Compute/virtualMachines/read"
    RightScope scope;
    std::string_view serves;  ///< what stays unknown without it
};

/// All that a look asks for; the role definition manifest/roles/look.json has the same.
std::span<const NeededAction> needed_actions();

/// True where an action with wildcards ("Microsoft.Compute/*/read") covers another; without case.
bool covers(std::string_view pattern, std::string_view action);

struct Rights {
    std::vector<NeededAction> missing;
    std::vector<NeededAction> unknown;  ///< Azure does not tell of that scope, or there is no vault to ask about
    std::vector<std::string> problems;  ///< why, a sentence each
};

/// What this identity may, as Azure itself tells it.
Rights rights_of(const machine::Machine& machine);

}  // namespace remediations::azure
