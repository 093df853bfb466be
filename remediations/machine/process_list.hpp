#pragma once

#include <vector>

#include "remediations/machine/machine.hpp"

namespace machine {

/// The list of processes at the time when the first diagnosis asked for it; it is read once. For Machine::derived. A
/// caller that must see processes that began since then calls Processes::list().
class ProcessList {
public:
    explicit ProcessList(const Machine& machine) : processes_(machine.processes().list()) {}

    const Result<std::vector<Process>>& processes() const { return processes_; }

private:
    Result<std::vector<Process>> processes_;
};

}  // namespace machine
