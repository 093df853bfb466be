#pragma once

#include <string>
#include <vector>

#include "remediations/formats/xml_elements.hpp"
#include "remediations/machine/machine.hpp"

namespace remediations {

/// The settings of all 64-bit programs of .NET Framework 4: <Windows>\Microsoft.NET\Framework64\v4.0.30319\Config.
machine::Path machine_config_path(const machine::Machine& machine);

/// What Windows ships it as, and keeps beside it.
machine::Path default_machine_config_path(const machine::Machine& machine);

/// The library of Visual Studio's debugger with which WCF is profiled, as machine.config names it.
inline constexpr auto wcf_profiler = "Microsoft.VisualStudio.Diagnostics.ServiceModelSink";

/// A file that .NET could read: XML whose root is <configuration>.
struct MachineConfig {
    std::string text;
    std::vector<XmlElement> elements;
};

/// ErrorKind::not_found where the file is missing, invalid where it is empty or damaged, with the line; unsupported
/// where it is UTF-16, which .NET understands and this program does not.
machine::Result<MachineConfig> read_machine_config(const machine::Machine& machine, const machine::Path& path);

}  // namespace remediations
