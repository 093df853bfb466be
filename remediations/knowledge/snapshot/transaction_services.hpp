#pragma once

namespace remediations {

inline constexpr auto com_plus = "COMSysApp";  ///< COM+ System Application
inline constexpr auto msdtc = "MSDTC";         ///< Distributed Transaction Coordinator
/// NT AUTHORITY\NetworkService, the only account under which MSDTC works. Its name is localized.
inline constexpr auto network_service_sid = "S-1-5-20";

}  // namespace remediations
