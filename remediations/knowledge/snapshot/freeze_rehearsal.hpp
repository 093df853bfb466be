#pragma once

#include <string>
#include <vector>

#include "remediations/machine/freezer.hpp"
#include "remediations/machine/machine.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations {

struct RehearsalOptions {
    /// Only these mount points; empty: those that the backup extension would freeze now.
    std::vector<machine::Path> mount_points = {};
    /// True to freeze also the file systems that hold / or one of `system_paths`. While they are frozen, most of the
    /// machine has to wait.
    bool include_system = false;
    /// Paths of this program's state, logs and executable.
    std::vector<machine::Path> system_paths = {};
    machine::FreezeLimits limits = {};
};

/// The result for one mount point.
struct RehearsedMount {
    enum class Outcome {
        freezable,
        not_freezable,  ///< a backup's freeze would fail with result code 121 or 123
        unknown,        ///< it could not be tried
        left_out,       ///< because of `reason`
    };
    machine::Path mount_point;
    std::string source;
    std::string type;
    Outcome outcome = Outcome::left_out;
    std::string reason;  ///< empty where the mount point is freezable
    std::string action;  ///< what a person should do; empty where there is nothing to do
    std::chrono::microseconds sync{};
    std::chrono::microseconds freezing{};
    std::chrono::microseconds frozen{};
};

std::string_view to_string(RehearsedMount::Outcome outcome);

struct FreezeRehearsal {
    /// healthy: all that was rehearsed can be frozen. needs_operator: a backup's freeze would fail or take too long.
    /// unknown: nothing could be rehearsed; the summary says why. not_applicable: a backup would freeze nothing.
    State state = State::unknown;
    std::string summary;
    std::string action;
    std::vector<RehearsedMount> mounts;  ///< in the order of freezing
};

/// Freezes and thaws what the next backup would freeze, in the way of the extension: the same mount points in the same
/// order under the same lock, but only for a moment and after writing the dirty data. Refuses while a backup runs,
/// while another program holds the lock, and while a process decides about other processes' access to files, because
/// then a freeze can hang. ErrorKind::invalid for an option that names no mount point.
machine::Result<FreezeRehearsal> rehearse_freeze(const RehearsalOptions& options, const machine::Machine& machine,
                                                 machine::Freezer& freezer);

/// Thaws what a rehearsal left frozen because its processes were all killed at once. Returns a sentence about it; empty
/// where nothing was left.
std::string end_abandoned_rehearsal(machine::Freezer& freezer);

}  // namespace remediations
