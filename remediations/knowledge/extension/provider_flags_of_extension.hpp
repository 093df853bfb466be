#pragma once

#include <string>
#include <vector>

#include "remediations/changes/changes.hpp"
#include "remediations/machine/machine.hpp"

namespace remediations {

/// A registry value in which the Windows extension notes that it installed its VSS provider. It then never installs it
/// again.
struct ProviderFlag {
    std::string key;
    std::string name;
    std::string shown;    ///< its value, for people
    bool is_set = false;  ///< "True" in any case, or a number other than 0
};

/// Returns the values that exist; there is an older and a newer name.
machine::Result<std::vector<ProviderFlag>> provider_flags_of_extension(const machine::Machine& machine);

/// Sets to "False" those that are set, so that the next backup installs the provider.
machine::Result<void> clear_provider_flags(Changes& changes);

}  // namespace remediations
