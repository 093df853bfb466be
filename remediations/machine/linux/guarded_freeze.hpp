#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "remediations/machine/result.hpp"

namespace machine::local {

/// Files through which this program controls the kernel. Tests use their own.
struct KernelControls {
    std::string sysrq_trigger = "/proc/sysrq-trigger";
    std::string rcu_expedited = "/sys/kernel/rcu_expedited";
    std::string rcu_normal = "/sys/kernel/rcu_normal";
    /// Files of the outermost control groups: of version 2, of version 2 beside version 1, and systemd's of version 1.
    std::vector<std::string> outermost_groups = {"/sys/fs/cgroup/cgroup.procs", "/sys/fs/cgroup/unified/cgroup.procs",
                                                 "/sys/fs/cgroup/systemd/cgroup.procs"};
    std::string marker = "/run/backup-remediation-freeze";  ///< FreezeMarker
};

/// Returns the first byte of such a file: '0' is off, '1' is on; '\0' where the file does not exist.
char switch_in(const std::string& path);

/// The result for one descriptor.
struct GuardedFreeze {
    enum class State {
        not_tried,      ///< the freeze was cut short before
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

/// Freezes the file systems that `descriptors` are open on, in order, holds them, and thaws them in reverse order.
/// Two watcher processes stand by:
///
///     this process --watched by--> watcher 1 <--watch each other--> watcher 2 --watches--> this process
///
/// The watchers thaw when the freezing process asks for it, when another of the three processes ends, and when the
/// limit passes. The freezing process thaws by itself when they are dead or do not answer. Each process has the same
/// open descriptors, and one end of a pipe that no other process keeps open: the others see its end, however it comes,
/// as end of file. Memory that they share says what is frozen and who is thawing it, so that nobody thaws twice: a
/// second thaw could end a freeze of another program. The watchers leave the control group of the freezing process, so
/// that they survive when the whole group is killed (cgroup.kill, systemctl kill).
/// From the first freeze to the last thaw no process allocates, opens, logs or touches a page that is not locked in
/// memory. Where an Error is returned, nothing was frozen.
Result<GuardedFreezes> freeze_guarded(const std::vector<int>& descriptors, std::chrono::milliseconds hold,
                                      std::chrono::milliseconds limit, const KernelControls& controls = {});

}  // namespace machine::local
