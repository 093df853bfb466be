#pragma once

#include <string>
#include <vector>

#include "remediations/engine/engine.hpp"

namespace handler {

struct BundleLimits {
    std::size_t most_of_file = std::size_t{4} << 20;  ///< bytes, its newest
    std::size_t most_in_all = std::size_t{64} << 20;  ///< bytes, before they are packed
};

/// What support asks for, secrets redacted, in one ZIP archive:
///   contents.txt            what is in it, what was cut, what could not be read
///   report.html, .json      this program's report
///   capture/                the machine as it was diagnosed, for diagnose --capture
///   logs/<path>             agent, backup extension, commands, kernel, audit: the newest of each file
///   commands/<name>.txt     the newest of the system's journal or event log
/// Diagnoses the machine; changes nothing.
machine::Result<std::string> make_support_bundle(const machine::Machine& machine,
                                                 const remediations::RunOptions& options,
                                                 const BundleLimits& limits = {});

}  // namespace handler
