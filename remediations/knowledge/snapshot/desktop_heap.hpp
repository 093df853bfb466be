#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace remediations {

/// The third number of SharedSection=1024,20480,768 in the command line of the Windows subsystem: KiB of the desktop
/// heap that each service has to itself. nullopt unless there are exactly three numbers.
std::optional<std::uint32_t> service_desktop_heap(std::string_view subsystem);

/// The same text with another third number, everything else byte for byte; nullopt where service_desktop_heap is.
std::optional<std::string> with_service_desktop_heap(std::string_view subsystem, std::uint32_t kib);

}  // namespace remediations
