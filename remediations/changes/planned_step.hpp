#pragma once

#include <string>
#include <vector>

namespace remediations {

/// One step of a fix, planned or made.
struct PlannedStep {
    enum class Undo {
        puts_back,      ///< undo puts back the value before
        needs_nothing,  ///< there is nothing to undo, as after a restart
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
