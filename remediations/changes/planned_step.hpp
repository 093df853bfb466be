#pragma once

#include <string>
#include <vector>

namespace remediations {

/// One step of a fix, planned or made.
struct PlannedStep {
    std::string description;
    /// Whether undo leads back to what was before. So it does after a restart, which leaves nothing behind; not after a
    /// tool of somebody else ran, a process was ended, a file system was thawed, or where a password would be needed.
    bool reversible = true;

    friend bool operator==(const PlannedStep&, const PlannedStep&) = default;
};

inline std::vector<std::string> descriptions_of(const std::vector<PlannedStep>& steps) {
    std::vector<std::string> descriptions;
    for (const auto& step : steps) descriptions.push_back(step.description);
    return descriptions;
}

}  // namespace remediations
