#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "remediations/model/remediation.hpp"

namespace remediations {

struct WatchLimits {
    std::size_t threads = 8;                   ///< diagnoses mostly wait, so there are more than cores
    std::chrono::milliseconds each{60'000};    ///< for one diagnosis
    std::chrono::milliseconds all{120'000};    ///< for all of them together
    std::chrono::milliseconds look_every{50};  ///< how late a limit may be noticed
};

/// Calls `diagnose` with the machine and each index below `count`, several at once, and returns the findings by index.
/// A diagnosis that does not come to an end in time is State::unknown, named by `name`; its thread is left behind (see
/// machine::threads_left_behind), and the machine is kept for it. `diagnose` may throw nothing; it and what it holds
/// are copied, and must own what they use, except for the machine, which it is given. Where no thread can be started it
/// goes on with fewer, at last with the caller's own, which nobody watches.
std::vector<Finding> watched_findings(const machine::Machine& machine, std::size_t count,
                                      std::function<Finding(const machine::Machine&, std::size_t)> diagnose,
                                      const std::function<std::string(std::size_t)>& name,
                                      const WatchLimits& limits = {});

}  // namespace remediations
