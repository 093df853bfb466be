#pragma once

#include <string>
#include <vector>

#include "remediations/knowledge/logs/event_evidence.hpp"

namespace remediations {

/// Returns the newest of these events since the last good backup that names the backup extension's folder or one of its
/// programs, in any notation of paths (C:\..., %OSDRIVE%\..., \Device\HarddiskVolume4\...). nullptr where there is
/// none.
const machine::Event* newest_about_extension(const machine::Machine& machine,
                                             const std::vector<EventPattern>& patterns);

/// Returns the folders of the backup extension's versions and of its logs.
std::vector<machine::Path> extension_places(const machine::Machine& machine);

}  // namespace remediations
