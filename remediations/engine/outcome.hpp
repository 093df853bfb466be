#pragma once

#include <string>
#include <vector>

#include "remediations/changes/planned_step.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations {

/// What became of one remediation.
struct Outcome {
    const Remediation* remediation = nullptr;
    Finding finding;                   ///< the last diagnosis, with the state after any fix
    std::vector<PlannedStep> changes;  ///< done (or, in a dry run, to be done), in order
    /// What a fix would do, where none was tried though there is one; empty where that cannot be foreseen.
    std::vector<PlannedStep> plan = {};
};

}  // namespace remediations
