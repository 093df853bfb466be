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

/// The command line for people: diagnose, fix, rehearse, undo, access, prove, list, explain, capture, history, guard.
/// `arguments` does not contain the program's name.
/// Returns the exit code: 0 nothing is broken, or all of it was fixed; 1 something is left; 2 bad
/// usage or input; 3 the work, or a part of it, could not be done.
int command_line(const std::vector<std::string>& arguments, std::ostream& out, std::ostream& err);

/// The computer a command works on.
struct Host {
    std::function<machine::Machine&()> machine;  ///< asked only by commands that look at the machine
    std::filesystem::path state_folder;
    bool privileged = false;
    std::function<std::unique_ptr<machine::Freezer>()> freezer = machine::local_freezer;
    GuardTools guard = {};
    /// Of the extension that this program belongs to; empty where it belongs to none.
    std::filesystem::path handler_folder = {};
    std::string program = "backup-remediation";  ///< what a person types for it: its full path, unless PATH finds it
    std::istream* input = nullptr;               ///< standard input, of which a token is read; null for none
    /// Asks Azure; tests put their own in.
    std::function<std::unique_ptr<machine::Azure>(machine::arm::ClientOptions)> azure =
        [](machine::arm::ClientOptions options) { return machine::arm::make_azure(std::move(options)); };
};

/// The same on another host, for tests.
int command_line(const std::vector<std::string>& arguments, const Host& host, std::ostream& out, std::ostream& err);

}  // namespace handler
