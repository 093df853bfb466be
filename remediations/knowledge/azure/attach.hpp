#pragma once

#include <string>

#include "remediations/machine/machine.hpp"

namespace remediations::azure {

/// Whether Azure is asked, and as whom.
struct Choice {
    bool ask = false;
    bool repair = false;         ///< may change Azure too, as far as the remediations that act there do
    std::string client_id = {};  ///< of a user-assigned managed identity; empty for the only one
    std::string vault_id = {};   ///< resource id of the VM's vault; empty: Azure Backup is asked for it

    friend bool operator==(const Choice&, const Choice&) = default;
};

/// From now on Azure is asked about this machine as its managed identity, where `choice` says so: through the guest
/// agent's proxy, if it has one.
void attach(machine::Machine& machine, const Choice& choice);

/// "host:port" of HttpProxy.Host and HttpProxy.Port in waagent.conf; empty without.
std::string proxy_of_agent(const machine::Machine& machine);

/// Empty where the text is the resource id of a vault; else what was expected.
std::string problem_of_vault_id(const std::string& text);
/// Likewise for a VM's.
std::string problem_of_vm_id(const std::string& text);

/// System and name of a VM that is seen through Azure alone.
machine::Result<machine::SystemFacts> facts_from_outside(const machine::Azure& azure);

}  // namespace remediations::azure
