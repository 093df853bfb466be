#include "remediations/knowledge/agent/agent_package.hpp"

#include <fmt/format.h>

namespace remediations {

machine::Result<AgentPackage> agent_package(const machine::Machine& machine) {
    const auto exists = [&](const char* path) { return machine.files().status(path).has_value(); };
    if (exists("/usr/bin/apt-get")) {
        // Debian names the package after the program, Ubuntu after the project.
        const bool ubuntu = machine.facts().os_name.find("Ubuntu") != std::string::npos;
        const std::string name = ubuntu ? "walinuxagent" : "waagent";
        return AgentPackage{"/usr/bin/apt-get", name, "apt-get update && apt-get install " + name,
                            "apt-get install --reinstall -o Dpkg::Options::=--force-confmiss " + name};
    }
    if (exists("/usr/bin/zypper")) {
        return AgentPackage{"/usr/bin/zypper", "python-azure-agent", "zypper install python-azure-agent",
                            "zypper install --force python-azure-agent"};
    }
    for (const std::string manager : {"tdnf", "dnf", "yum"}) {
        const auto path = "/usr/bin/" + manager;
        if (exists(path.c_str())) {
            return AgentPackage{path, "WALinuxAgent", manager + " install WALinuxAgent",
                                manager + " reinstall WALinuxAgent"};
        }
    }
    return machine::Error::not_found("no package manager was found in /usr/bin");
}

std::string install_advice(const machine::Machine& machine) {
    const auto package = agent_package(machine);
    if (!package) return "Install the guest agent from the distribution's own packages.";
    return fmt::format("Install the newest guest agent of the distribution, as root: {}.", package->install_command);
}

}  // namespace remediations
