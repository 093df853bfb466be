#pragma once

#include <string>
#include <vector>

#include "remediations/model/remediation.hpp"

namespace remediations {

/// The Visual C++ 2013 x64 runtime, which the Windows backup extension needs.
struct VisualCppRuntime {
    bool is_installed = false;  ///< both its libraries are in System32 and not empty
    bool is_mixed = false;      ///< they are of different builds, if both have a version
    std::vector<Evidence> evidence;
};

machine::Result<VisualCppRuntime> visual_cpp_runtime_of(const machine::Machine& machine);

/// Returns true if the last backup failed in the phase in which it looks for or installs the runtime.
bool stopped_at_runtime(const machine::Machine& machine);

/// Returns true if the last backup failed because of the runtime, by its log or by the error code.
bool runtime_is_to_blame(const machine::Machine& machine, const Question& question);

}  // namespace remediations
