#pragma once

#include <string>

#include "remediations/machine/machine.hpp"

namespace remediations {

/// The guest agent's package in this distribution.
struct AgentPackage {
    machine::Path manager;        ///< "/usr/bin/apt-get"
    std::string name;             ///< "walinuxagent", "waagent", "WALinuxAgent" or "python-azure-agent"
    std::string install_command;  ///< for a person: "apt-get update && apt-get install walinuxagent"
    /// For a person: puts back configuration files that are missing.
    /// "apt-get install --reinstall -o Dpkg::Options::=--force-confmiss walinuxagent"
    std::string restore_command;
};

/// ErrorKind::not_found where there is no known package manager.
machine::Result<AgentPackage> agent_package(const machine::Machine& machine);

/// Returns a sentence for a person: the command that installs or updates the package, or words where no package manager
/// is known.
std::string install_advice(const machine::Machine& machine);

}  // namespace remediations
