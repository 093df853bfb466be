#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "remediations/machine/azure.hpp"

namespace machine::arm {

/// Provider and type of a resource: "Microsoft.Compute" and "virtualMachines/instanceView" for
/// ".../providers/Microsoft.Compute/virtualMachines/vm/instanceView". The last provider of the path counts, because the
/// path of a lock contains the locked resource's provider too. A path without a provider is of Microsoft.Resources.
struct ResourceType {
    std::string provider;
    std::string type;  ///< empty for the provider itself
};
ResourceType type_of(std::string_view path);

/// The API version to ask for first, and the oldest one that has all that this program reads.
struct ApiVersion {
    std::string_view first;
    std::string_view oldest;
};
ApiVersion version_for(const ResourceType& type);

/// Returns the newest stable version that a provider offers and that is not older than `oldest`; empty if there is
/// none.
std::string newest_version(const std::vector<std::string>& offered, std::string_view oldest);

/// "Microsoft.Compute/virtualMachines/read": the right that somebody needs for the question, or for the change.
std::string action_for(const ArmQuestion& question);

}  // namespace machine::arm
