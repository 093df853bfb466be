#pragma once

#include <string>

#include "remediations/machine/machine.hpp"

namespace remediations {

/// waagent.conf as the distribution's package of the guest agent has it.
struct PackagedConfiguration {
    std::string text;
    std::string where;  ///< "/etc/waagent.conf.dpkg-dist", "/var/cache/apt/archives/waagent_2.7.3.0-4.1_all.deb"
};

/// Looks for a copy on this VM: what a package manager laid beside a changed file, then the installed version's package
/// in apt's cache. Nothing is downloaded. ErrorKind::not_found where there is none.
/// The agent's own updates (WALinuxAgent-*.egg) carry none.
machine::Result<PackagedConfiguration> packaged_agent_configuration(const machine::Machine& machine);

}  // namespace remediations
