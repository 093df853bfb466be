#include <fcntl.h>
#include <syslog.h>
#include <unistd.h>

#include <string>

#include "remediations/machine/linux/file_descriptor.hpp"
#include "remediations/machine/local/system_log.hpp"

namespace machine::local {

void tell_system(std::string_view line) {
    const std::string text(line);
    ::openlog("backup-remediation", LOG_PID, LOG_DAEMON);
    ::syslog(LOG_WARNING, "%s", text.c_str());
    ::closelog();
    const FileDescriptor console(::open("/dev/console", O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
    const auto shown = "backup-remediation: " + text + "\r\n";
    if (console && ::write(console.get(), shown.data(), shown.size()) < 0) {
        return;  // nobody is there to read it
    }
}

}  // namespace machine::local
