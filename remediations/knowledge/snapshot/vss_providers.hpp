#pragma once

#include <optional>
#include <string>
#include <vector>

#include "remediations/machine/machine.hpp"

namespace remediations {

/// A snapshot provider as it is registered below Services\VSS\Providers.
struct VssProvider {
    std::string id;   ///< lower case, with braces
    std::string key;  ///< of the registry, in full
    std::string name;
    std::string class_id;           ///< of its COM class, lower case, with braces; empty where none is named
    machine::Path library;          ///< its COM server, variables expanded; empty where the class is not registered
    bool library_is_there = false;  ///< only meaningful where `library` is not empty

    friend bool operator==(const VssProvider&, const VssProvider&) = default;
};

/// By id. Empty where VSS is not installed.
machine::Result<std::vector<VssProvider>> vss_providers(const machine::Machine& machine);

/// Those that Windows or Azure Backup bring.
bool is_of_windows(const VssProvider& provider);
bool is_of_azure_backup(const VssProvider& provider);
/// That of Azure Site Recovery's mobility service, which is not to be removed.
bool is_of_site_recovery(const VssProvider& provider);

/// Registered, but its COM server is gone.
bool is_leftover(const VssProvider& provider);

}  // namespace remediations
