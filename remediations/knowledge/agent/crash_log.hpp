#pragma once

#include <optional>

#include "remediations/knowledge/logs/log_evidence.hpp"

namespace remediations {

/// In the line that the Linux agent's daemon writes each time its child ended with an exception.
inline constexpr auto crash_log_line = " failed with exception: ";

/// A guest agent that crashes repeatedly and each time writes some lines to its log, until the disk is full.
struct FillingCrash {
    Evidence log;   ///< the log and its size
    Evidence line;  ///< the newest crash
};

/// Returns nullopt where the log is not huge and its file system is not full, or where the full disk is itself the
/// reason of the crash.
std::optional<FillingCrash> crash_that_fills_the_log(const machine::Machine& machine);

}  // namespace remediations
