#pragma once

#include <string>
#include <vector>

#include "remediations/machine/result.hpp"

namespace machine::windows {

/// Returns the single string for CreateProcessW from which the program gets exactly these arguments. ErrorKind::invalid
/// where one is not UTF-8 or contains a NUL.
Result<std::wstring> command_line(const std::string& program, const std::vector<std::string>& arguments);

}  // namespace machine::windows
