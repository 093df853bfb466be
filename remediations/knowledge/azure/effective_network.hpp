#pragma once

#include <vector>

#include "remediations/machine/machine.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::azure {

/// What of Azure's network may keep the VM from storage, TCP 443: of each network interface the active default route
/// that leads elsewhere than to the internet, unless storage has a route of its own, and the first rule of each network
/// security group that decides and denies. Empty where none does, or where it cannot be told: a rule for single
/// addresses may be about storage, or not. The VM has to run.
/// https://learn.microsoft.com/rest/api/virtualnetwork/network-interfaces/list-effective-network-security-groups
machine::Result<std::vector<Evidence>> what_may_block_storage(const machine::Machine& machine);

}  // namespace remediations::azure
