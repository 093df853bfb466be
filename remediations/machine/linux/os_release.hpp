#pragma once

#include <map>
#include <string>
#include <string_view>

namespace machine::local {

/// The variables of an os-release(5) file. Lines that are not assignments are passed over, as the
/// shell scripts that read it do.
std::map<std::string, std::string> parse_os_release(std::string_view text);

}  // namespace machine::local
