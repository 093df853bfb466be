#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "remediations/machine/files.hpp"
#include "remediations/machine/processes.hpp"
#include "remediations/machine/result.hpp"

namespace machine {

/// A file system to freeze. `device` is the expected device of its mount point (see Mount::device), so that a mount
/// table that changed meanwhile does not lead to another file system.
struct FreezeTarget {
    Path mount_point;
    std::string device;
};

struct FreezeLimits {
    /// Time for each file system to answer and to write its dirty data, before anything is frozen.
    std::chrono::milliseconds sync = std::chrono::seconds(30);
    /// The longest time frozen; then everything is thawed. The kernel cannot abort a freeze in progress; that file
    /// system is thawed as soon as its freeze is complete.
    std::chrono::milliseconds frozen = std::chrono::seconds(2);
    /// The time for which all targets stay frozen together.
    std::chrono::milliseconds hold = std::chrono::milliseconds(0);
};

/// The result for one file system.
struct FreezeTrial {
    Path mount_point;
    /// Errors: refused = somebody else has frozen it, and it is left frozen; unsupported = this type cannot be frozen;
    /// timed_out = it does not answer, or is written to faster than its disk can write.
    Result<void> outcome;
    std::chrono::microseconds sync{};      ///< to write the dirty data before the freeze
    std::chrono::microseconds freezing{};  ///< until the freeze was complete
    std::chrono::microseconds frozen{};    ///< from the beginning of the freeze to the end of the thaw
    bool still_frozen = false;             ///< neither a thaw nor the last resort helped
};

struct FreezeReport {
    std::vector<FreezeTrial> trials;  ///< one for each target, in the same order
    std::string cut_short;            ///< why the freeze ended early; empty where it did not
    bool last_resort = false;  ///< the kernel was asked to thaw all file systems (SysRq j), also those that others
                               ///< froze
};

/// Holds the lock until it is destroyed.
class FreezeLock {
public:
    virtual ~FreezeLock() = default;
};

/// Freezes and thaws file systems of this computer. Linux only; on Windows every answer is ErrorKind::unsupported.
class Freezer {
public:
    virtual ~Freezer() = default;

    /// Returns the processes that the kernel asks for permission when others open a file (fanotify permission events).
    /// A freeze can hang where such a process waits for a frozen file system.
    virtual Result<std::vector<Process>> permission_listeners() const = 0;

    /// Returns the file system that holds a path, or would hold it, as Mount::device.
    virtual Result<std::string> device_holding(const Path& path) const = 0;

    /// Takes a POSIX lock on a whole file. Creates the file and its folders where they do not exist, and removes what
    /// it created at the end. ErrorKind::refused names the process that holds the lock.
    virtual Result<std::unique_ptr<FreezeLock>> lock(const Path& file) = 0;

    /// Writes all dirty data, freezes all targets in order, and thaws them in reverse order. Thaws nothing that
    /// somebody else froze, except by the last resort. Two processes watch over it: when one of the three processes
    /// ends, the others thaw. The last resort, where no thaw helps, is SysRq j: the kernel thaws every frozen file
    /// system of the computer, other programs' too (FreezeReport::last_resort). No file system may be named twice, not
    /// even by different mount points.
    virtual Result<FreezeReport> freeze_and_thaw(const std::vector<FreezeTarget>& targets,
                                                 const FreezeLimits& limits) = 0;

    /// Thaws what an earlier freeze_and_thaw() left frozen because its processes, the watchers too, were all killed at
    /// once. Returns the mount points that were frozen; empty where nothing was left. Error: one of them is still
    /// frozen.
    virtual Result<std::vector<Path>> thaw_abandoned() = 0;
};

std::unique_ptr<Freezer> local_freezer();

}  // namespace machine
