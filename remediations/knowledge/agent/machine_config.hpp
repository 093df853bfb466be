#pragma once

#include <string>
#include <vector>

#include "remediations/formats/xml_elements.hpp"
#include "remediations/machine/machine.hpp"

namespace remediations {

/// Returns the path of the settings of all 64-bit programs of .NET Framework 4, in
/// <Windows>\Microsoft.NET\Framework64\v4.0.30319\Config.
machine::Path machine_config_path(const machine::Machine& machine);

/// Returns the path of the original file of Windows, which lies beside it.
machine::Path default_machine_config_path(const machine::Machine& machine);

/// The library of Visual Studio's debugger that profiles WCF, by its name in machine.config.
inline constexpr auto wcf_profiler = "Microsoft.VisualStudio.Diagnostics.ServiceModelSink";

/// A file that .NET can read: XML whose root is <configuration>.
struct MachineConfig {
    std::string text;
    std::vector<XmlElement> elements;
};

/// Reads a file. ErrorKind::not_found where it is missing; invalid, with the line, where it is empty or damaged;
/// unsupported where it is UTF-16, which .NET reads but this program does not.
machine::Result<MachineConfig> read_machine_config(const machine::Machine& machine, const machine::Path& path);

}  // namespace remediations
