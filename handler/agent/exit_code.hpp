#pragma once

namespace handler {

/// The exit codes of the guest agent's commands. For anything but ok the agent reports the handler as not ready
/// (install 1007, update 1008, enable 1009), with stdout and stderr. 0 to 3 mean the same on the command line for
/// people; only `apply` and that command line use 1.
enum class ExitCode : int {
    ok = 0,
    something_left = 1,
    usage = 2,
    failed = 3,            ///< the command could not do its work
    settings_invalid = 4,  ///< the status says what is wrong with the settings
    environment = 5,       ///< HandlerEnvironment.json is missing or unusable
    not_privileged = 6,    ///< needs root or SYSTEM
    stopped = 7,           ///< worker: it ended early because the extension was disabled
};

}  // namespace handler
