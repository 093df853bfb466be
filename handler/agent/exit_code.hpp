#pragma once

namespace handler {

/// What a command of the guest agent ends with. Anything but ok makes the agent report the handler
/// as not ready (install 1007, update 1008, enable 1009) with stdout and stderr beside it.
/// 0 to 3 mean the same on the command line for people, which alone uses 1.
enum class ExitCode : int {
    ok = 0,
    something_left = 1,
    usage = 2,
    failed = 3,            ///< could not do its work
    settings_invalid = 4,  ///< the status says what is wrong with them
    environment = 5,       ///< HandlerEnvironment.json is missing or unusable
    not_privileged = 6,    ///< needs root or SYSTEM
    stopped = 7,           ///< worker: ended early because the extension was disabled
};

}  // namespace handler
