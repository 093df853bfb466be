#pragma once

#include <optional>
#include <string>
#include <vector>

#include "remediations/machine/machine.hpp"

namespace remediations {

/// A snapshot provider that is registered below Services\VSS\Providers.
struct VssProvider {
    std::string id;   ///< lower case, with braces
    std::string key;  ///< the full registry key
    std::string name;
    std::string class_id;           ///< of its COM class, lower case, with braces; empty where none is registered
    machine::Path library;          ///< its COM server, variables expanded; empty where the class is not registered
    bool library_is_there = false;  ///< valid only where `library` is not empty

    friend bool operator==(const VssProvider&, const VssProvider&) = default;
};

/// Returns the providers sorted by id. Empty where VSS is not installed.
machine::Result<std::vector<VssProvider>> vss_providers(const machine::Machine& machine);

/// Return true for a provider of Windows, and for one of Azure Backup.
bool is_of_windows(const VssProvider& provider);
bool is_of_azure_backup(const VssProvider& provider);
/// Returns true for the provider of Azure Site Recovery's mobility service, which must not be removed.
bool is_of_site_recovery(const VssProvider& provider);

/// Returns true if the provider is registered but its COM server is gone.
bool is_leftover(const VssProvider& provider);

}  // namespace remediations
