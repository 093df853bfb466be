#pragma once

#include <string>
#include <vector>

#include "remediations/model/remediation.hpp"

namespace remediations {

/// The Visual C++ 2013 x64 runtime, with which the Windows backup extension is built.
struct VisualCppRuntime {
    bool is_installed = false;  ///< both its libraries lie in System32
    bool is_mixed = false;      ///< they are of different builds, as far as both have a version
    std::vector<Evidence> evidence;
};

machine::Result<VisualCppRuntime> visual_cpp_runtime_of(const machine::Machine& machine);

/// Whether the last backup failed and did not get beyond the runtime.
bool stopped_at_runtime(const machine::Machine& machine);

/// Whether the runtime is what the last backup failed for, by its log or by the error code.
bool runtime_is_to_blame(const machine::Machine& machine, const Question& question);

}  // namespace remediations
