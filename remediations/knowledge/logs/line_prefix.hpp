#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace remediations {

/// What completes a time stamp that does not say all.
struct LogClock {
    /// When the file was written last: the year of "Dec 11 06:16:46", which names none.
    std::optional<std::chrono::system_clock::time_point> written;
    /// When the machine started: "[  12.345678]" of the kernel counts from there.
    std::optional<std::chrono::system_clock::time_point> boot;
    /// Lines come from a system logger: behind the time stand a host and a program.
    bool has_host = false;
};

/// A line of a log, taken apart.
struct LogLineParts {
    /// A time without a zone is taken as UTC, which Azure's images run in.
    std::optional<std::chrono::system_clock::time_point> time;
    /// The format is known to be in UTC, or names its zone. Otherwise the machine's zone decides: up to 14 hours.
    bool zone_known = false;
    std::string_view text;     ///< behind the date, host, program, thread number and handler name
    bool from_kernel = false;  ///< the program was "kernel"
};

/// Knows the prefixes that waagent.log, extension.log, shell.log, CommandExecution.log, WaAppAgent.log,
/// IaaSBcdrExtension logs, dmesg, syslog in both its forms, the journal and audit.log have had since 2015.
/// A line with none of them has no time and is text as a whole.
LogLineParts parse_log_line(std::string_view line, const LogClock& clock);

}  // namespace remediations
