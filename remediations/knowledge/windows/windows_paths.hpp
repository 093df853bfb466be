#pragma once

#include <string>
#include <string_view>

#include "remediations/machine/machine.hpp"

namespace remediations {

/// The folder of Windows, "D:\Windows": as the registry names it, else on the system drive.
machine::Path windows_folder(const machine::Machine& machine);

/// Its System32, where Windows' own tools and libraries lie.
machine::Path system_folder(const machine::Machine& machine);

/// Text of the registry with its variables replaced: %SystemRoot%, %windir%, %SystemDrive%, %ProgramFiles%,
/// %ProgramData%, %CommonProgramFiles%, in any case. Others stay.
std::string expand_variables(const machine::Machine& machine, std::string_view text);

/// The executable at the start of a command line, with or without quotes, variables expanded and
/// "\SystemRoot\" and "\??\" understood. A name without a folder lies in System32.
machine::Path program_of(const machine::Machine& machine, std::string_view command_line);

}  // namespace remediations
