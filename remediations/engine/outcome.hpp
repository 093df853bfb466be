#pragma once

#include <string>
#include <vector>

#include "remediations/changes/planned_step.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations {

/// The result of one remediation in a run.
struct Outcome {
    const Remediation* remediation = nullptr;
    Finding finding;                   ///< the last diagnosis, with the state after any fix
    std::vector<PlannedStep> changes;  ///< the steps that were done or, in a dry run, would be done, in order
    /// The steps that the fix would do, where there is a fix and the run did not try it; empty where they cannot be
    /// foreseen.
    std::vector<PlannedStep> plan = {};
};

}  // namespace remediations
