#include "remediations/guest_agent/agent_service.hpp"

#include <vector>

namespace remediations {

machine::Result<std::string> agent_service_name(const machine::Machine& machine) {
    const std::vector<std::string> names = machine.facts().platform == machine::Platform::windows
                                               ? std::vector<std::string>{"WindowsAzureGuestAgent"}
                                               : std::vector<std::string>{"walinuxagent", "waagent"};
    for (const auto& name : names) {
        const auto service = machine.services().find(name);
        if (service) return name;
        if (service.error().kind != machine::ErrorKind::not_found) return service.error();
    }
    return machine::Error{machine::ErrorKind::not_found, "no service of the guest agent is installed", 0};
}

}  // namespace remediations
