#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "remediations/machine/services.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations {

/// Returns true if the last start or run of the service failed. A demand-start service that nobody started since boot,
/// or that ended without an error, has not failed.
bool failed_to_start(const machine::Service& service);

/// Returns "stopped, exit code 1053, start type manual, account S-1-5-20".
std::string describe(const machine::Service& service);

/// Returns the events with which Windows reports that a service cannot be started, by its key name. Not included:
/// events that say that another service prevents its start.
std::vector<Signal> service_start_failures(const std::string& service);

/// Returns the commands, for an elevated prompt, that set the start type of a service and start it: "sc.exe config
/// MSDTC start= auto, then sc.exe start MSDTC".
std::string enable_command(std::string_view service, machine::StartType start, bool and_start);

/// Advice where a part of Windows is missing.
inline constexpr auto repair_windows = "Repair Windows: DISM /Online /Cleanup-Image /RestoreHealth, then sfc /scannow.";

/// Returns the finding that a service which is a part of Windows is not installed. `display` is its English name;
/// `why`, if not empty, is a clause after "so".
Finding windows_service_missing(std::string_view name, std::string_view display, std::string_view why = {});

}  // namespace remediations
