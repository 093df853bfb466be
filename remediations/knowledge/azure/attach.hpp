#pragma once

#include <string>

#include "remediations/machine/machine.hpp"

namespace remediations::azure {

/// The choice whether to ask Azure, and with which identity.
struct Choice {
    bool ask = false;
    bool repair = false;         ///< may change Azure too, as far as the remediations that act there do
    std::string client_id = {};  ///< of a user-assigned managed identity; empty where the VM has only one
    std::string vault_id = {};   ///< resource id of the VM's vault; empty: Azure Backup is asked for the vault

    friend bool operator==(const Choice&, const Choice&) = default;
};

/// From now on, questions about this machine go to Azure with its managed identity, if `choice` says so. Uses the guest
/// agent's proxy if it has one.
void attach(machine::Machine& machine, const Choice& choice);

/// Returns "host:port" from HttpProxy.Host and HttpProxy.Port in waagent.conf; empty without them.
std::string proxy_of_agent(const machine::Machine& machine);

/// Returns what was expected where the text is not the resource id of a vault; empty where it is one.
std::string problem_of_vault_id(const std::string& text);
/// The same for the resource id of a VM.
std::string problem_of_vm_id(const std::string& text);

/// Returns system and name of a VM that is seen only through Azure.
machine::Result<machine::SystemFacts> facts_from_outside(const machine::Azure& azure);

}  // namespace remediations::azure
