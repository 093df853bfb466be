#pragma once

#include <string>

#include "remediations/machine/machine.hpp"

namespace remediations {

/// Name of the guest agent's service. Linux: walinuxagent (Debian, Ubuntu) or waagent (all others),
/// found by looking, not by the distribution's name. Windows: WindowsAzureGuestAgent.
/// ErrorKind::not_found when the service manager knows none.
machine::Result<std::string> agent_service_name(const machine::Machine& machine);

}  // namespace remediations
