#pragma once

#include <string>

#include "remediations/machine/result.hpp"

namespace machine::windows {

/// Owner, group and access control list of a file or folder that is no link, as SDDL.
Result<std::string> security_of(const std::wstring& native);

/// Sets those of the three that the SDDL has, and nothing else.
Result<void> set_security_of(const std::wstring& native, const std::string& sddl);

}  // namespace machine::windows
