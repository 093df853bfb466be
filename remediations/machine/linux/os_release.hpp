#pragma once

#include <map>
#include <string>
#include <string_view>

namespace machine::local {

/// Returns the variables of an os-release(5) file. Skips lines that are not assignments, as shell scripts do.
std::map<std::string, std::string> parse_os_release(std::string_view text);

}  // namespace machine::local
