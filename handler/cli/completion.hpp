#pragma once

#include <string>
#include <string_view>

namespace handler {

/// A script that completes commands, options and values in a shell: bash, zsh or powershell. The words stand in it, so
/// that completing starts no program.
std::string completion_script(std::string_view shell);

/// The help of all commands as a page for man(1), in the macros of man(7).
std::string manual_page();

}  // namespace handler
