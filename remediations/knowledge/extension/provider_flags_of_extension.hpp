#pragma once

#include <string>
#include <vector>

#include "remediations/changes/changes.hpp"
#include "remediations/machine/machine.hpp"

namespace remediations {

/// The Windows extension's memory that it installed its VSS provider, which it then never does again.
struct ProviderFlag {
    std::string key;
    std::string name;
    std::string shown;    ///< its value, for people
    bool is_set = false;  ///< "True" in any case, or a number other than 0
};

/// Those that are there, of the older and the newer name.
machine::Result<std::vector<ProviderFlag>> provider_flags_of_extension(const machine::Machine& machine);

/// Sets those that are set to "False", so that the next backup installs the provider.
machine::Result<void> clear_provider_flags(Changes& changes);

}  // namespace remediations
