#pragma once

#include "remediations/model/remediation.hpp"

namespace remediations {

/// What dhcp-disabled says of a Windows machine: a fixed address, or a lease that names another platform address, is a
/// fault where the platform does not answer, and none where it does.
Finding diagnose_windows_dhcp(const machine::Machine& machine);

}  // namespace remediations
