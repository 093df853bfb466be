#pragma once

#include <string>

#include "remediations/machine/result.hpp"

namespace machine::windows {

/// Returns owner, group and access control list, as SDDL, of a file or folder that is not a link.
Result<std::string> security_of(const std::wstring& native);

/// Sets only those of the three that the SDDL contains.
Result<void> set_security_of(const std::wstring& native, const std::string& sddl);

}  // namespace machine::windows
