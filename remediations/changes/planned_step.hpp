#pragma once

#include <string>
#include <vector>

namespace remediations {

/// One step of a fix, planned or made.
struct PlannedStep {
    enum class Undo {
        puts_back,      ///< what was before
        needs_nothing,  ///< a restart leaves nothing behind
        cannot,         ///< a tool ran, a process was ended, a file system thawed, or a password would be needed
    };

    std::string description;
    Undo undo = Undo::puts_back;

    friend bool operator==(const PlannedStep&, const PlannedStep&) = default;
};

inline std::vector<std::string> descriptions_of(const std::vector<PlannedStep>& steps) {
    std::vector<std::string> descriptions;
    for (const auto& step : steps) descriptions.push_back(step.description);
    return descriptions;
}

}  // namespace remediations
