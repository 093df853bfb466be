#pragma once

#include <string>

#include "remediations/machine/result.hpp"

namespace machine::windows {

/// The SID ("S-1-5-20") of the account a service is configured with, because account names are
/// localized; the configured text where this system knows no SID for it. "LocalSystem", which
/// only the service manager knows as a name, is S-1-5-18.
std::string account_sid(const std::wstring& configured);

/// An account as ChangeServiceConfigW takes it.
struct ServiceAccount {
    std::wstring name;
    /// Service and virtual accounts have none. The password of a user's account is not known here:
    /// the service manager keeps the one it has.
    bool has_password = true;
};

/// Inverse of account_sid(), by this system's localized names. ErrorKind::not_found for a SID
/// that belongs to no account here.
Result<ServiceAccount> service_account(const std::string& sid_or_text);

}  // namespace machine::windows
