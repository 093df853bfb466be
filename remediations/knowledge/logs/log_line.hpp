#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "remediations/model/remediation.hpp"

namespace remediations {

/// One line of a log, for a person: where it stands, when it was written, what it says.
struct LogLine {
    static constexpr std::size_t longest_text = 4096;

    machine::Path file;        ///< for the kernel's ring buffer "dmesg"
    std::uint64_t number = 0;  ///< from 1; 0 when only the end of the file was read
    /// UTC; where the log has local times without a zone (syslog, agents of 2019 and before), off by the machine's
    /// zone. Of a line without a time of its own (a traceback), the time of the line above it.
    std::optional<std::chrono::system_clock::time_point> time;
    /// Without the prefix of date and source, and without secrets; printable UTF-8, at most 4096 bytes. A longer line
    /// is cut around what was looked for.
    std::string text;

    /// "/var/log/waagent.log:812"
    std::string place() const;
    /// As evidence: "/var/log/waagent.log:812", "2026-11-20 22:01:07Z <text>".
    Evidence evidence(std::string expected) const;
};

/// Valid UTF-8 without control characters, cut to LogLine::longest_text.
std::string printable(std::string_view text);

/// The part of a long text, as its bytes are, of which printable() keeps what stands from `from` to `to`.
std::string excerpt_around(std::string_view text, std::size_t from, std::size_t to);

}  // namespace remediations
