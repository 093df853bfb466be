#pragma once

#include "remediations/model/remediation.hpp"

namespace remediations {

/// Diagnoses dhcp-disabled on a Windows machine. A fixed address, or a lease with another platform address, is a fault
/// only where the platform does not answer.
Finding diagnose_windows_dhcp(const machine::Machine& machine);

}  // namespace remediations
