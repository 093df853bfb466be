#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "remediations/machine/machine.hpp"

namespace remediations {

/// Release numbers of the .NET Framework 4, which are the same in all languages:
/// https://learn.microsoft.com/dotnet/framework/migration-guide/how-to-determine-which-versions-are-installed
inline constexpr std::uint64_t dotnet_4_5 = 378389;
inline constexpr std::uint64_t dotnet_4_8 = 528040;

/// Where Windows keeps the number.
inline constexpr auto dotnet_release_place = R"(HKLM\SOFTWARE\Microsoft\NET Framework Setup\NDP\v4\Full\Release)";

/// Returns the release number; nullopt where no .NET Framework 4 is installed.
machine::Result<std::optional<std::uint64_t>> dotnet_release(const machine::Machine& machine);

/// Returns "4.5.1": the newest version whose release number is not higher. "4" for a lower number.
std::string version_of_dotnet(std::uint64_t release);

}  // namespace remediations
