#pragma once

#include "remediations/machine/machine.hpp"

namespace remediations {

inline constexpr auto com_plus = "COMSysApp";  ///< COM+ System Application
inline constexpr auto msdtc = "MSDTC";         ///< Distributed Transaction Coordinator
/// NT AUTHORITY\NetworkService, the only account MSDTC works under; its name is localized.
inline constexpr auto network_service_sid = "S-1-5-20";

/// Whether the service failed when it was last started. A demand-start service that nobody started
/// since boot, or that ended well, has not failed.
bool failed_to_start(const machine::Service& service);

/// "stopped, exit code 1053, start type manual, account S-1-5-20"
std::string describe(const machine::Service& service);

}  // namespace remediations
