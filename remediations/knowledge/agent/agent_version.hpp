#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "remediations/machine/machine.hpp"

namespace remediations {

struct AgentVersion {
    std::string version;  ///< "2.9.1.1"; compare with compare_versions()
    std::string where;    ///< the path or process it comes from
    std::string seen;     ///< the text that contains it
};

/// Returns the version of the agent that processes goal states. This one counts: an agent that updates itself leaves
/// the installed one in place and runs a newer one from <Lib.Dir>/WALinuxAgent-<version>. Taken from the running
/// process, else from the agent that the daemon would start; where neither can be read, from the agent's log.
/// ErrorKind::not_found where nothing tells it.
machine::Result<AgentVersion> goal_state_agent_version(const machine::Machine& machine);

/// Returns the version of the distribution's agent: azurelinuxagent/common/version.py, or waagent itself.
machine::Result<AgentVersion> installed_agent_version(const machine::Machine& machine);

/// Returns the version of the newest folder <Lib.Dir>/WALinuxAgent-<version>.
machine::Result<AgentVersion> newest_downloaded_agent(const machine::Machine& machine);

/// Returns the waagent program: /usr/sbin/waagent, or where else a distribution puts it. ErrorKind::not_found without
/// one.
machine::Result<machine::Path> agent_program(const machine::Machine& machine);

/// Returns "2.9.1.1" for "bin/WALinuxAgent-2.9.1.1-py3.8.egg"; also for "WALinuxAgent==2.7.3.0" and "AGENT_VERSION =
/// '2.15.0.1'".
std::optional<std::string> agent_version_in(std::string_view text);

/// Texts of the lines in which the agent logs its version, the most reliable first.
inline constexpr const char* lines_with_agent_version[] = {"WALinuxAgent-", "Azure Linux Agent Version:"};

/// Returns the version of the agent on Windows: from the registry, where the agent writes it, else from the executable
/// of its service. ErrorKind::not_found where there is neither.
machine::Result<AgentVersion> windows_agent_version(const machine::Machine& machine);

/// The oldest agent that the current documents of Azure Backup accept, and the oldest that they ever accepted.
inline constexpr std::string_view recommended_agent_version = "2.2.53.1";
inline constexpr std::string_view oldest_agent_version = "2.1.7";
inline constexpr std::string_view recommended_windows_agent_version = "2.7.41491.1010";
inline constexpr std::string_view oldest_windows_agent_version = "2.6.1198.718";

}  // namespace remediations
