#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "remediations/knowledge/configuration/extension_folder.hpp"

namespace remediations {

/// The newest version of a handler of another extension than the backup's and this one, in the guest agent's folders.
struct OtherHandler {
    std::string name;  ///< "Microsoft.Azure.Extensions.CustomScript"
    std::string version;
    machine::Path path;
    std::string state;  ///< content of config/HandlerState, on Windows InstallState; empty if not known
    std::string
        status;  ///< Linux: of config/HandlerStatus: Ready, NotReady, Installing, Unresponsive; empty if not told
    int code = 0;
    std::string message;
    /// The newest status file of each of its extensions (most handlers have one), as far as this program understood it.
    std::vector<ExtensionStatus> extensions;
};

/// Returns all installed handlers, sorted by name; empty where the agent's folder does not exist.
machine::Result<std::vector<OtherHandler>> other_handlers(const machine::Machine& machine);

}  // namespace remediations
