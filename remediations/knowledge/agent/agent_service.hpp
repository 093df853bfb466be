#pragma once

#include <string>
#include <vector>

#include "remediations/machine/machine.hpp"

namespace remediations {

class Changes;

/// Returns the name of the guest agent's service. Linux: walinuxagent (Debian, Ubuntu) or waagent (all others), by the
/// services that exist and not by the distribution's name. Windows: WindowsAzureGuestAgent. ErrorKind::not_found where
/// the service manager knows neither.
machine::Result<std::string> agent_service_name(const machine::Machine& machine);

/// Returns the same service with its state.
machine::Result<machine::Service> find_agent_service(const machine::Machine& machine);

/// Returns the same, read once for all diagnoses (Machine::derived). A fix, which changes it, reads it again.
const machine::Result<machine::Service>& agent_service_of(const machine::Machine& machine);

/// Restarts the agent, or starts it where it is stopped, so that it takes in what a fix changed. Does nothing where its
/// service is masked: whoever unmasks it starts it. Linux: first ends a child that a signal has stopped. Windows:
/// RdAgent first, then WindowsAzureGuestAgent; skips a service that is missing or disabled.
machine::Result<void> restart_agent(Changes& changes);

/// Restarts an agent that runs and does not work. ErrorKind::refused where its service is masked: it would not come
/// back.
machine::Result<void> replace_running_agent(Changes& changes);

/// For the end of a fix that started the agent's service: an agent that Python cannot run ends within a second of its
/// start. ErrorKind::failed with the reason, as far as the journal has one. A plan sees nothing.
machine::Result<void> see_that_agent_stays(const Changes& changes, const std::string& service);

/// Returns a service's newest lines in systemd's journal, oldest first. Without any, the lines of syslog that systemd
/// wrote about the service, or that a process wrote about the agent. For an agent that does not run: the error with
/// which Python fails never reaches waagent.log.
std::vector<std::string> newest_journal_lines(const machine::Machine& machine, const std::string& service);

/// Returns the line of these that names the cause: the last "SomeError: ...", else the last one. Empty without lines.
std::string decisive_line(const std::vector<std::string>& lines);

}  // namespace remediations
