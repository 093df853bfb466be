#pragma once

#include <filesystem>
#include <functional>
#include <iosfwd>
#include <string>
#include <vector>

#include "handler/guard/guard_switch.hpp"
#include "remediations/machine/arm/client.hpp"
#include "remediations/machine/freezer.hpp"
#include "remediations/machine/machine.hpp"

namespace handler {

/// Runs the command line for people: diagnose, fix, rehearse, undo, access, prove, list, explain, capture, history,
/// guard. `arguments` does not contain the program's name. Returns the exit code: 0 nothing is broken, or everything
/// was fixed; 1 something is left; 2 wrong usage or input; 3 the work, or a part of it, could not be done.
int command_line(const std::vector<std::string>& arguments, std::ostream& out, std::ostream& err);

/// The computer that a command works on.
struct Host {
    std::function<machine::Machine&()> machine;  ///< called only by commands that look at the machine
    std::filesystem::path state_folder;
    bool privileged = false;
    std::function<std::unique_ptr<machine::Freezer>()> freezer = machine::local_freezer;
    GuardTools guard = {};
    /// The folder of the extension that this program belongs to; empty where it belongs to none.
    std::filesystem::path handler_folder = {};
    std::string program = "backup-remediation";  ///< the command that a person types: its full path, unless PATH finds
                                                 ///< it
    std::istream* input = nullptr;               ///< standard input, from which a token is read; nullptr for none
    /// Creates the client of Azure. Tests use their own.
    std::function<std::unique_ptr<machine::Azure>(machine::arm::ClientOptions)> azure =
        [](machine::arm::ClientOptions options) { return machine::arm::make_azure(std::move(options)); };
};

/// Does the same on another host, for tests.
int command_line(const std::vector<std::string>& arguments, const Host& host, std::ostream& out, std::ostream& err);

}  // namespace handler
