#pragma once

#include <string_view>

namespace machine::local {

/// Writes one line for a person who looks at this computer without the portal: a warning in the system's log (syslog;
/// the event log Application on Windows) and, on Linux, on the console, which Azure shows as the serial console.
/// Ignores failures and waits for nobody.
void tell_system(std::string_view line);

}  // namespace machine::local
