#pragma once

#include <vector>

#include "remediations/machine/machine.hpp"

namespace machine {

/// The processes as they were when the first diagnosis asked for them: read once, however many ask.
/// For Machine::derived. What must know of a process that has just begun asks Processes::list().
class ProcessList {
public:
    explicit ProcessList(const Machine& machine) : processes_(machine.processes().list()) {}

    const Result<std::vector<Process>>& processes() const { return processes_; }

private:
    Result<std::vector<Process>> processes_;
};

}  // namespace machine
