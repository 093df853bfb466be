#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "remediations/model/remediation.hpp"

namespace remediations {

/// A line of a log for a person: its place, its time and its text.
struct LogLine {
    static constexpr std::size_t longest_text = 4096;

    machine::Path file;        ///< "dmesg" for the kernel's ring buffer
    std::uint64_t number = 0;  ///< from 1; 0 where only the end of the file was read
    /// UTC. Where the log has local times without a zone (syslog, agents until 2019), wrong by the machine's zone. A
    /// line without a time of its own (a traceback) has the time of the line before it.
    std::optional<std::chrono::system_clock::time_point> time;
    /// The text without the prefix (date and source) and without secrets: printable UTF-8, at most 4096 bytes. A longer
    /// line is cut around the text that was searched for.
    std::string text;

    /// Returns "/var/log/waagent.log:812".
    std::string place() const;
    /// Returns evidence: "/var/log/waagent.log:812", "2026-11-20 22:01:07Z <text>".
    Evidence evidence(std::string expected) const;
};

/// Returns valid UTF-8 without control characters, cut to LogLine::longest_text.
std::string printable(std::string_view text);

/// Returns the part of a long text, byte for byte, from which printable() keeps what is between `from` and `to`.
std::string excerpt_around(std::string_view text, std::size_t from, std::size_t to);

}  // namespace remediations
