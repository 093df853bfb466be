#pragma once

#include <string>
#include <string_view>

#include "remediations/machine/machine.hpp"

namespace remediations {

/// Returns the Windows folder, "D:\Windows": from the registry, else on the system drive.
machine::Path windows_folder(const machine::Machine& machine);

/// Returns its System32, the folder of Windows' own tools and libraries.
machine::Path system_folder(const machine::Machine& machine);

/// Returns the text with its variables replaced: %SystemRoot%, %windir%, %SystemDrive%, %ProgramFiles%, %ProgramData%,
/// %CommonProgramFiles%, in any case. Other variables stay.
std::string expand_variables(const machine::Machine& machine, std::string_view text);

/// Returns the executable at the start of a command line, with or without quotes; expands variables and understands
/// "\SystemRoot\" and "\??\". A name without a folder is in System32.
machine::Path program_of(const machine::Machine& machine, std::string_view command_line);

}  // namespace remediations
