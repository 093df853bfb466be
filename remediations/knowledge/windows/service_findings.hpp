#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "remediations/machine/services.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations {

/// Whether the service failed when it was last started. A demand-start service that nobody started
/// since boot, or that ended well, has not failed.
bool failed_to_start(const machine::Service& service);

/// "stopped, exit code 1053, start type manual, account S-1-5-20"
std::string describe(const machine::Service& service);

/// The events with which Windows says that a service cannot be started, by its key name. That another one keeps it from
/// starting is none of them.
std::vector<Testimony> service_start_failures(const std::string& service);

/// The commands, for an elevated prompt, that set the start type of a service and start it: "sc.exe config MSDTC start=
/// auto, then sc.exe start MSDTC".
std::string enable_command(std::string_view service, machine::StartType start, bool and_start);

/// What to do where a part of Windows is gone.
inline constexpr auto repair_windows = "Repair Windows: DISM /Online /Cleanup-Image /RestoreHealth, then sfc /scannow.";

/// A service that is a part of Windows is not installed. `display` is its name in English; `why`, where there is one,
/// follows "so".
Finding windows_service_missing(std::string_view name, std::string_view display, std::string_view why = {});

}  // namespace remediations
