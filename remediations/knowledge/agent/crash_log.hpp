#pragma once

#include <optional>

#include "remediations/knowledge/logs/log_evidence.hpp"

namespace remediations {

/// What the Linux agent's daemon writes each time its child ended with an exception.
inline constexpr auto crash_log_line = " failed with exception: ";

/// A guest agent that crashes again and again, each time with some lines in its log, until the disk is full.
struct FillingCrash {
    Evidence log;   ///< the log, and what of it was seen
    Evidence line;  ///< the newest crash
};

/// nullopt where neither the log is huge nor its file system full, or the crash has the full disk as its reason.
std::optional<FillingCrash> crash_that_fills_the_log(const machine::Machine& machine);

}  // namespace remediations
