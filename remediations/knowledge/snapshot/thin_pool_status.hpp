#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "remediations/machine/result.hpp"

namespace remediations {

struct ThinPool {
    std::string name;
    int data_percent = 0;      ///< used, rounded down
    int metadata_percent = 0;  ///< used, rounded down
    std::string mode;          ///< "rw", "ro", "out_of_data_space", "Fail", "Error", "needs_check"
};

/// Parses the output of `dmsetup status --target thin-pool`, one line for each pool: name: start length thin-pool
/// transaction used/total-metadata used/total-data root mode ... [needs_check|-] (device mapper's thin-provisioning
/// documentation). ErrorKind::invalid names the line.
machine::Result<std::vector<ThinPool>> parse_thin_pool_status(std::string_view output);

}  // namespace remediations
