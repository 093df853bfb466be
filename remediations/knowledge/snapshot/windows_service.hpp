#pragma once

#include <string>

#include "remediations/changes/changes.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations {

/// A Windows service that a VSS snapshot needs, with its usual settings.
struct WindowsService {
    const char* name;     ///< the name of its registry key
    const char* display;  ///< the English display name
    machine::StartType start = machine::StartType::automatic;
    bool runs_always = true;  ///< false: it is started on demand and stopped when idle
    const char* why = "";     ///< what fails without it, as a clause after "is disabled, so"
};

/// Returns broken if the service is disabled, failed, hangs in starting or stopping, or is stopped although it should
/// always run. While a backup runs, a service that starts or stops is healthy.
Finding diagnose_service(const machine::Machine& machine, const WindowsService& service);

/// Sets a disabled service to its usual start type. Starts it where it should always run, has failed, or hangs.
machine::Result<void> repair_service(const WindowsService& service, Changes& changes);

}  // namespace remediations
