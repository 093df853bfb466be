#pragma once

#include <span>
#include <string_view>

#include "remediations/model/remediation.hpp"

namespace remediations {

/// Returns all remediations, by layer and, within a layer, in the order of repair.
std::span<const Remediation* const> catalogue();

/// Returns nullptr where no remediation has this id.
const Remediation* find_remediation(std::string_view id);

/// Returns the remediations that can explain an Azure Backup error code (compared without case).
std::vector<const Remediation*> remediations_for(std::string_view error_code);

}  // namespace remediations
