#pragma once

#include <string>
#include <string_view>

namespace handler {

/// Returns a script that completes commands, options and values in a shell: bash, zsh or powershell. The script
/// contains the words, so that completing starts no program.
std::string completion_script(std::string_view shell);

/// Returns the help of all commands as a page for man(1), in the macros of man(7).
std::string manual_page();

}  // namespace handler
