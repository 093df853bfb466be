#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace remediations {

/// The missing parts of an incomplete time stamp.
struct LogClock {
    /// The time of the file's last change. It gives the year of "Dec 11 06:16:46", which has none.
    std::optional<std::chrono::system_clock::time_point> written;
    /// The boot time of the machine. "[  12.345678]" of the kernel counts from it.
    std::optional<std::chrono::system_clock::time_point> boot;
    /// True if a system logger wrote the lines: after the time follow a host and a program.
    bool has_host = false;
};

/// The parts of a log line.
struct LogLineParts {
    /// A time without a zone is taken as UTC, the zone of Azure's images.
    std::optional<std::chrono::system_clock::time_point> time;
    /// True if the format is known to be in UTC or names its zone. Otherwise the time may be wrong by the machine's
    /// zone: up to 14 hours.
    bool zone_known = false;
    std::string_view text;     ///< the text after date, host, program, thread number and handler name
    bool from_kernel = false;  ///< the program was "kernel"
};

/// Parses a line. Knows all prefixes that waagent.log, extension.log, shell.log, CommandExecution.log, WaAppAgent.log,
/// IaaSBcdrExtension logs, dmesg, syslog in both its forms, the journal and audit.log have had since 2015. A line
/// without a known prefix has no time, and the whole line is its text.
LogLineParts parse_log_line(std::string_view line, const LogClock& clock);

}  // namespace remediations
