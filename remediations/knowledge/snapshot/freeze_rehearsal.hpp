#pragma once

#include <string>
#include <vector>

#include "remediations/machine/freezer.hpp"
#include "remediations/machine/machine.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations {

struct RehearsalOptions {
    /// Only these mount points; empty for those that the backup extension would freeze now.
    std::vector<machine::Path> mount_points = {};
    /// Whether the file systems that hold / or one of `system_paths` are frozen too. While they are,
    /// the rest of the machine can do little else but wait.
    bool include_system = false;
    /// Where this program's state, logs and executable are.
    std::vector<machine::Path> system_paths = {};
    machine::FreezeLimits limits = {};
};

/// What became of one mount point.
struct RehearsedMount {
    enum class Outcome {
        freezable,
        not_freezable,  ///< a backup's freeze would fail with result code 121 or 123
        unknown,        ///< could not be tried
        left_out,       ///< for `reason`
    };
    machine::Path mount_point;
    std::string source;
    std::string type;
    Outcome outcome = Outcome::left_out;
    std::string reason;  ///< empty where it is freezable
    std::string action;  ///< what a person should do; empty where there is nothing to do
    std::chrono::microseconds sync{};
    std::chrono::microseconds freezing{};
    std::chrono::microseconds frozen{};
};

std::string_view to_string(RehearsedMount::Outcome outcome);

struct FreezeRehearsal {
    /// healthy: what was rehearsed can be frozen. needs_operator: a backup's freeze would fail or take too
    /// long. unknown: nothing could be rehearsed, and why. not_applicable: nothing would be frozen.
    State state = State::unknown;
    std::string summary;
    std::string action;
    std::vector<RehearsedMount> mounts;  ///< in the order of freezing
};

/// Freezes and thaws what the next backup would, as the extension does it: the same mount points in
/// the same order under the same lock, though for a moment only and with the dirty data written
/// before. Refuses while a backup runs, while another freezer has the lock, and while a process
/// decides about other processes' access to files, because a freeze can hang then.
/// ErrorKind::invalid for an option that names no mount point.
machine::Result<FreezeRehearsal> rehearse_freeze(const RehearsalOptions& options, const machine::Machine& machine,
                                                 machine::Freezer& freezer);

/// Thaws what a rehearsal left frozen whose processes were all killed at once. Returns a sentence about it; an empty
/// one where nothing was left.
std::string end_abandoned_rehearsal(machine::Freezer& freezer);

}  // namespace remediations
