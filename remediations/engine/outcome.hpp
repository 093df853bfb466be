#pragma once

#include <string>
#include <vector>

#include "remediations/model/remediation.hpp"

namespace remediations {

/// What became of one remediation.
struct Outcome {
    const Remediation* remediation = nullptr;
    Finding finding;                   ///< the last diagnosis, with the state after any fix
    std::vector<std::string> changes;  ///< done (or, in a dry run, to be done), in order
};

}  // namespace remediations
