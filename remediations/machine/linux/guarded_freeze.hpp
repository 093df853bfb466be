#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "remediations/machine/result.hpp"

namespace machine::local {

/// Controls of the kernel; a test has files of its own.
struct KernelControls {
    std::string sysrq_trigger = "/proc/sysrq-trigger";
    std::string rcu_expedited = "/sys/kernel/rcu_expedited";
    std::string rcu_normal = "/sys/kernel/rcu_normal";
    /// The outermost control groups: of version 2, of version 2 beside version 1, and systemd's of version 1.
    std::vector<std::string> outermost_groups = {"/sys/fs/cgroup/cgroup.procs", "/sys/fs/cgroup/unified/cgroup.procs",
                                                 "/sys/fs/cgroup/systemd/cgroup.procs"};
    std::string marker = "/run/backup-remediation-freeze";  ///< FreezeMarker
};

/// The first byte of such a file: '0' is off, '1' is on, '\0' where there is no such file.
char switch_in(const std::string& path);

/// What became of one descriptor.
struct GuardedFreeze {
    enum class State {
        not_tried,      ///< it was cut short before
        not_freezable,  ///< FIFREEZE failed with `code`
        thawed,
        stuck,  ///< FITHAW failed with `code`, and the last resort did not help
    };
    State state = State::not_tried;
    int code = 0;  ///< errno
    std::chrono::nanoseconds freezing{};
    std::chrono::nanoseconds frozen{};
};

struct GuardedFreezes {
    std::vector<GuardedFreeze> freezes;  ///< in the order of the descriptors
    bool cut_short = false;              ///< by the limit, or because a watcher died
    bool last_resort = false;
};

/// Freezes the file systems that `descriptors` are open on, in their order, holds them, and thaws
/// them in reverse, while two watcher processes stand by:
///
///     this process --watched by--> watcher 1 <--watch each other--> watcher 2 --watches--> this process
///
/// The watchers thaw when the freezing process asks for it, when another of the three ends, and when
/// the limit passes; it does so itself when they are dead or do not answer. Each has the
/// same open descriptors and a pipe that only it keeps open, so that its end, however it comes, is
/// the end of file of the others. In memory that all share stands what is frozen and who is thawing it,
/// so that nobody thaws twice: that could end a freeze of somebody else. The watchers leave the control group of the
/// freezing process, so that the end of its group (cgroup.kill, systemctl kill) is not theirs.
/// From the first freeze to the last thaw no process allocates, opens, logs or touches a page that
/// is not locked in memory. Errors: nothing was frozen.
Result<GuardedFreezes> freeze_guarded(const std::vector<int>& descriptors, std::chrono::milliseconds hold,
                                      std::chrono::milliseconds limit, const KernelControls& controls = {});

}  // namespace machine::local
