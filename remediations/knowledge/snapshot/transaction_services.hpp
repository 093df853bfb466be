#pragma once

#include <vector>

#include "remediations/model/remediation.hpp"

namespace remediations {

inline constexpr auto com_plus = "COMSysApp";  ///< COM+ System Application
inline constexpr auto msdtc = "MSDTC";         ///< Distributed Transaction Coordinator
/// NT AUTHORITY\NetworkService, the only account under which MSDTC works. Its name is localized.
inline constexpr auto network_service_sid = "S-1-5-20";

/// Returns the newest event, since the last good backup, with which MSDTC says that its log file is missing: it does
/// not start without one. nullptr where there is none.
const machine::Event* missing_transaction_log(const machine::Machine& machine);
/// What missing_transaction_log asks EventEvidence for.
std::vector<EventPattern> missing_transaction_log_events();

}  // namespace remediations
