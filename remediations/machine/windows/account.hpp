#pragma once

#include <string>

#include "remediations/machine/result.hpp"

namespace machine::windows {

/// Returns the SID ("S-1-5-20") of a service's configured account, because account names are localized; the configured
/// text where this system knows no SID for it. "LocalSystem", a name that only the service manager knows, is S-1-5-18.
std::string account_sid(const std::wstring& configured);

/// An account in the form that ChangeServiceConfigW takes.
struct ServiceAccount {
    std::wstring name;
    /// False for service and virtual accounts. The password of a user's account is not known here; the service manager
    /// keeps the one that it has.
    bool has_password = true;
};

/// The inverse of account_sid(), with this system's localized names. ErrorKind::not_found for a SID that no account
/// here has.
Result<ServiceAccount> service_account(const std::string& sid_or_text);

}  // namespace machine::windows
