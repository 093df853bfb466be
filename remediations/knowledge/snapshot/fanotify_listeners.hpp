#pragma once

#include <string>
#include <vector>

#include "remediations/machine/machine.hpp"

namespace remediations {

/// Returns running programs that every access to a file waits for (fanotify permission events): fapolicyd and on-access
/// scanners. A program that writes its own log to a frozen file system stops answering; whoever then opens a file,
/// safefreeze too, waits for ever. "fapolicyd (pid 812)"; empty where none runs or the processes are not known.
std::vector<std::string> fanotify_listeners(const machine::Machine& machine);

}  // namespace remediations
