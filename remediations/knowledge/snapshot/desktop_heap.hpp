#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace remediations {

/// Returns the third number of SharedSection=1024,20480,768 in the command line of the Windows subsystem: the size, in
/// KiB, of each service's own desktop heap. nullopt unless there are exactly three numbers.
std::optional<std::uint32_t> service_desktop_heap(std::string_view subsystem);

/// Returns the same text with another third number; everything else stays the same, byte for byte. nullopt where
/// service_desktop_heap() returns nullopt.
std::optional<std::string> with_service_desktop_heap(std::string_view subsystem, std::uint32_t kib);

}  // namespace remediations
