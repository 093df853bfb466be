#pragma once

#include <string>

#include "remediations/changes/changes.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations {

/// A service of Windows that a VSS snapshot cannot do without, as Windows sets it up.
struct WindowsService {
    const char* name;     ///< of its registry key
    const char* display;  ///< in English
    machine::StartType start = machine::StartType::automatic;
    bool runs_always = true;  ///< false: started on demand and stopped when idle
    const char* why = "";     ///< "so that ...": what fails without it, to follow "is disabled, so"
};

/// Broken where it is disabled, failed, hangs in starting or stopping, or is stopped though it always runs. While a
/// backup runs, a service that starts or stops is healthy.
Finding diagnose_service(const machine::Machine& machine, const WindowsService& service);

/// Sets a disabled one to its usual start type; starts it where it always runs, failed, or hangs.
machine::Result<void> repair_service(const WindowsService& service, Changes& changes);

}  // namespace remediations
