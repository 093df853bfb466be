#pragma once

#include <span>
#include <string_view>

#include "remediations/model/remediation.hpp"

namespace remediations {

/// Every remediation, ordered by layer and, within one, in the order they are to be repaired.
std::span<const Remediation* const> catalogue();

/// nullptr when no remediation has this id.
const Remediation* find_remediation(std::string_view id);

/// Those that can explain an Azure Backup error code (compared without case).
std::vector<const Remediation*> remediations_for(std::string_view error_code);

}  // namespace remediations
