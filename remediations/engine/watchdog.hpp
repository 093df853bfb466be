#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "remediations/model/remediation.hpp"

namespace remediations {

struct WatchLimits {
    std::size_t threads = 8;                   ///< more than cores, because diagnoses mostly wait
    std::chrono::milliseconds each{60'000};    ///< for one diagnosis
    std::chrono::milliseconds all{120'000};    ///< for all diagnoses together
    std::chrono::milliseconds look_every{50};  ///< the largest delay with which a limit is noticed
};

/// Calls `diagnose` with the machine and each index below `count`, several at once, and returns the findings by index.
/// A diagnosis that does not end in time becomes State::unknown, named by `name`. Its thread keeps running (see
/// machine::threads_left_behind), and the machine is kept alive for it. `diagnose` must not throw; it is copied with
/// all it holds, and must own what it uses, except for the machine, which it gets. Where threads cannot be started it
/// continues with fewer, in the end in the caller's own thread, which is not watched.
std::vector<Finding> watched_findings(const machine::Machine& machine, std::size_t count,
                                      std::function<Finding(const machine::Machine&, std::size_t)> diagnose,
                                      const std::function<std::string(std::size_t)>& name,
                                      const WatchLimits& limits = {});

}  // namespace remediations
