#pragma once

#include <chrono>
#include <functional>

#include "remediations/machine/machine.hpp"

namespace remediations::azure {

/// Waits until nothing writes to the VM in Azure: its model is not being updated, and none of its extensions is at
/// work, ours included. Two writes to a VM break each other off, and one from an extension that has not ended waits for
/// itself.
/// ErrorKind::timed_out where that has not come within `patience`, failed where it was asked to stop; else why Azure
/// does not tell.
machine::Result<void> wait_until_settled(machine::Machine& machine, std::chrono::seconds patience,
                                         const std::function<bool()>& stop_requested);

}  // namespace remediations::azure
