#pragma once

#include <string>
#include <vector>

#include "remediations/engine/engine.hpp"

namespace handler {

struct BundleLimits {
    std::size_t most_of_file = std::size_t{4} << 20;  ///< bytes; the newest part of the file
    std::size_t most_in_all = std::size_t{64} << 20;  ///< bytes before compression
};

/// Diagnoses the machine and returns one ZIP archive with what support asks for, secrets redacted:
///   contents.txt            the list of its content: what was cut, what could not be read
///   report.html, .json      this program's report
///   capture/                the machine as it was diagnosed, for diagnose --capture
///   logs/<path>             agent, backup extension, commands, kernel, audit: the newest part of each file
///   commands/<name>.txt     the newest part of the system's journal or event log
/// Changes nothing.
machine::Result<std::string> make_support_bundle(const machine::Machine& machine,
                                                 const remediations::RunOptions& options,
                                                 const BundleLimits& limits = {});

}  // namespace handler
