#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "remediations/machine/machine.hpp"

namespace remediations {

struct AgentVersion {
    std::string version;  ///< "2.9.1.1"; compare with compare_versions()
    std::string where;    ///< the path or process that told it
    std::string seen;     ///< the text it stands in
};

/// Version of the agent that processes goal states, which counts: an agent that updates itself leaves the installed
/// one in place and runs a newer one from <Lib.Dir>/WALinuxAgent-<version>. From the process that runs, else from
/// what the daemon would start; where neither can be looked at, from the agent's log. ErrorKind::not_found where
/// nothing tells it.
machine::Result<AgentVersion> goal_state_agent_version(const machine::Machine& machine);

/// Version of the agent that the distribution installed: azurelinuxagent/common/version.py, or waagent itself.
machine::Result<AgentVersion> installed_agent_version(const machine::Machine& machine);

/// The newest <Lib.Dir>/WALinuxAgent-<version> folder.
machine::Result<AgentVersion> newest_downloaded_agent(const machine::Machine& machine);

/// The waagent program: /usr/sbin/waagent, or another place a distribution uses. ErrorKind::not_found without one.
machine::Result<machine::Path> agent_program(const machine::Machine& machine);

/// "2.9.1.1" of "bin/WALinuxAgent-2.9.1.1-py3.8.egg", "WALinuxAgent==2.7.3.0" or "AGENT_VERSION = '2.15.0.1'".
std::optional<std::string> agent_version_in(std::string_view text);

/// What lines of the agent's log have in which it names its version, the telling ones first.
inline constexpr const char* lines_with_agent_version[] = {"WALinuxAgent-", "Azure Linux Agent Version:"};

/// Version of the agent that runs on Windows: what it wrote into the registry, else what the executable of its service
/// says. ErrorKind::not_found where there is neither.
machine::Result<AgentVersion> windows_agent_version(const machine::Machine& machine);

/// Oldest agent that Azure Backup's current documents accept, and the oldest they ever accepted.
inline constexpr std::string_view recommended_agent_version = "2.2.53.1";
inline constexpr std::string_view oldest_agent_version = "2.1.7";
inline constexpr std::string_view recommended_windows_agent_version = "2.7.41491.1010";
inline constexpr std::string_view oldest_windows_agent_version = "2.6.1198.718";

}  // namespace remediations
