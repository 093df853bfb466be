#pragma once

#include <string>
#include <vector>

#include "remediations/machine/result.hpp"

namespace machine::windows {

/// The one string that CreateProcessW takes, from which the program gets back exactly these
/// arguments. ErrorKind::invalid where one is not UTF-8 or has a NUL inside.
Result<std::wstring> command_line(const std::string& program, const std::vector<std::string>& arguments);

}  // namespace machine::windows
