#pragma once

#include <string>
#include <vector>

#include "remediations/machine/machine.hpp"

namespace remediations {

class Changes;

/// Name of the guest agent's service. Linux: walinuxagent (Debian, Ubuntu) or waagent (all others),
/// found by looking, not by the distribution's name. Windows: WindowsAzureGuestAgent.
/// ErrorKind::not_found when the service manager knows none.
machine::Result<std::string> agent_service_name(const machine::Machine& machine);

/// The same service with its state.
machine::Result<machine::Service> find_agent_service(const machine::Machine& machine);

/// The same, asked once for all diagnoses (Machine::derived). A fix, which changes it, asks anew.
const machine::Result<machine::Service>& agent_service_of(const machine::Machine& machine);

/// Restarts the agent, or starts it where it is stopped, so that it takes in what a fix changed. Nothing where its
/// service is masked: whoever lifts that starts it. Windows: RdAgent first, then WindowsAzureGuestAgent; one that is
/// missing or disabled is left out.
machine::Result<void> restart_agent(Changes& changes);

/// For the end of a fix that started the agent's service: an agent that Python cannot run ends within a second of its
/// start. ErrorKind::failed with the reason, as far as the journal has one. A plan sees nothing.
machine::Result<void> see_that_agent_stays(const Changes& changes, const std::string& service);

/// The newest lines that systemd's journal has of a service, oldest first; where it has none, those of syslog that
/// systemd wrote about the service, or a process that speaks of the agent. For an agent that does not run: what Python
/// says as it fails never reaches waagent.log.
std::vector<std::string> newest_journal_lines(const machine::Machine& machine, const std::string& service);

/// Of such lines the one that names the cause: the last "SomeError: ...", or else the last one. Empty without lines.
std::string decisive_line(const std::vector<std::string>& lines);

}  // namespace remediations
