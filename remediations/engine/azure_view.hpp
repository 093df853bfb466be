#pragma once

#include <string>
#include <vector>

#include "remediations/machine/machine.hpp"

namespace remediations {

struct Report;

/// One thing as it shows inside the VM and in Azure. Where they differ, what is between them is to be looked at.
struct TwoViews {
    std::string what;   ///< "Guest agent"
    std::string in_vm;  ///< empty where the VM itself cannot show it
    std::string in_azure;

    friend bool operator==(const TwoViews&, const TwoViews&) = default;
};

/// Azure's view beside the VM's: the VM, its guest agent, the backup extension, the newest backup, the protection,
/// restore points and locks. Asks only what a whole diagnosis asks too. Empty where Azure may not be asked.
std::vector<TwoViews> azure_view(const Report& report, const machine::Machine& machine);

}  // namespace remediations
