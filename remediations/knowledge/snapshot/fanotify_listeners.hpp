#pragma once

#include <string>
#include <vector>

#include "remediations/machine/machine.hpp"

namespace remediations {

/// Programs that run and let every access to a file wait for their answer (fanotify permission events): fapolicyd and
/// on-access scanners. One that writes its own log to a frozen file system answers no more, and whoever opens a file
/// then, safefreeze too, waits for ever. "fapolicyd (pid 812)"; empty where none runs or the processes are not known.
std::vector<std::string> fanotify_listeners(const machine::Machine& machine);

}  // namespace remediations
