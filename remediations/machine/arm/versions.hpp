#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "remediations/machine/azure.hpp"

namespace machine::arm {

/// "Microsoft.Compute" and "virtualMachines/instanceView" of
/// ".../providers/Microsoft.Compute/virtualMachines/vm/instanceView". The last provider of a path counts: a lock's path
/// names the locked resource's too. Without one, Microsoft.Resources.
struct ResourceType {
    std::string provider;
    std::string type;  ///< empty for the provider itself
};
ResourceType type_of(std::string_view path);

/// The version that is asked for first, and the oldest that has all that this program reads.
struct ApiVersion {
    std::string_view first;
    std::string_view oldest;
};
ApiVersion version_for(const ResourceType& type);

/// Of the versions that a provider offers, the newest stable one that is not older; empty without one.
std::string newest_version(const std::vector<std::string>& offered, std::string_view oldest);

/// "Microsoft.Compute/virtualMachines/read": the right that somebody needs for the question, or for the change.
std::string action_for(const ArmQuestion& question);

}  // namespace machine::arm
