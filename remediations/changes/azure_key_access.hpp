#pragma once

#include <memory>
#include <string>
#include <vector>

#include "remediations/changes/slot.hpp"

namespace remediations {

/// Rights in an access policy of a key vault, by the names of
/// https://learn.microsoft.com/rest/api/keyvault/keyvault/vaults/update-access-policy: "get", "list", "backup".
struct KeyAccess {
    std::vector<std::string> keys;
    std::vector<std::string> secrets;
};

/// The access policy that a key vault has for an object of its directory (a service principal, by its object id): all
/// its rights by kind, null where there is none.
std::unique_ptr<Slot> azure_key_access_slot(std::string vault, std::string object);

/// Returns a value of that slot with these rights added; the same value where it has them all.
SlotValue with_access(const SlotValue& now, const KeyAccess& added);

}  // namespace remediations
