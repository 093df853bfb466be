#pragma once

#include <string>
#include <vector>

#include "remediations/knowledge/logs/event_evidence.hpp"

namespace remediations {

/// The newest event of these that quotes the backup extension's folder or one of its programs, in any of the notations
/// of paths (C:\..., %OSDRIVE%\..., \Device\HarddiskVolume4\...), and was written since the last good backup. nullptr
/// where there is none.
const machine::Event* newest_about_extension(const machine::Machine& machine,
                                             const std::vector<EventPattern>& patterns);

/// Where versions of the backup extension lie, and where it logs.
std::vector<machine::Path> extension_places(const machine::Machine& machine);

}  // namespace remediations
