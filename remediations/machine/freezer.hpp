#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "remediations/machine/files.hpp"
#include "remediations/machine/processes.hpp"
#include "remediations/machine/result.hpp"

namespace machine {

/// A file system to freeze, and what its mount point must lead to (see Mount::device): a mount table
/// that changed meanwhile must not make us freeze another one.
struct FreezeTarget {
    Path mount_point;
    std::string device;
};

struct FreezeLimits {
    /// For each file system to answer and to write out what is dirty, before anything is frozen.
    std::chrono::milliseconds sync = std::chrono::seconds(30);
    /// After this everything is thawed, whatever happens. The kernel cannot abort a freeze that it is
    /// still busy with; that one is thawed as soon as it is complete.
    std::chrono::milliseconds frozen = std::chrono::seconds(2);
    /// The time for which all of them stay frozen together.
    std::chrono::milliseconds hold = std::chrono::milliseconds(0);
};

/// The result for one file system.
struct FreezeTrial {
    Path mount_point;
    /// Errors: refused = somebody else has frozen it, and it was left so; unsupported = this type
    /// cannot be frozen; timed_out = it does not answer, or is written to faster than its disk writes.
    Result<void> outcome;
    std::chrono::microseconds sync{};      ///< to write out what was dirty at first
    std::chrono::microseconds freezing{};  ///< until the freeze was complete
    std::chrono::microseconds frozen{};    ///< from the beginning of the freeze to the end of the thaw
    bool still_frozen = false;             ///< neither a thaw nor the last resort helped
};

struct FreezeReport {
    std::vector<FreezeTrial> trials;  ///< one for each target, in their order
    std::string cut_short;            ///< why the freeze ended before its time; empty where it did not
    bool last_resort = false;         ///< the kernel was asked to thaw everything (SysRq j), what others froze included
};

/// Keeps others out for as long as it lives.
class FreezeLock {
public:
    virtual ~FreezeLock() = default;
};

/// Freezes and thaws file systems of the computer this process runs on. Linux only: on Windows every
/// answer is ErrorKind::unsupported.
class Freezer {
public:
    virtual ~Freezer() = default;

    /// Processes that the kernel asks before others may open a file (fanotify permission events). A
    /// freeze can hang on one that itself waits for a frozen file system.
    virtual Result<std::vector<Process>> permission_listeners() const = 0;

    /// The file system that holds a path, or that would, as Mount::device.
    virtual Result<std::string> device_holding(const Path& path) const = 0;

    /// A POSIX lock on a whole file, which is made where it is absent, as are its folders; what was made is
    /// removed at the end. ErrorKind::refused names the process that holds it.
    virtual Result<std::unique_ptr<FreezeLock>> lock(const Path& file) = 0;

    /// Writes out what is dirty, freezes all targets in their order, and thaws them in reverse. What
    /// somebody else froze is not thawed, save by the last resort. Two processes watch over it: when one of the three
    /// ends, the others thaw. What no thaw helps is left to the kernel (SysRq j), which thaws every frozen file system
    /// of the computer, other programs' too: FreezeReport::last_resort. No target may be named twice, by another mount
    /// point neither.
    virtual Result<FreezeReport> freeze_and_thaw(const std::vector<FreezeTarget>& targets,
                                                 const FreezeLimits& limits) = 0;

    /// Thaws what an earlier freeze_and_thaw froze whose processes, the watchers too, were all killed at once. Returns
    /// the mount points that were frozen; none where nothing was left behind. Error: one is frozen still.
    virtual Result<std::vector<Path>> thaw_abandoned() = 0;
};

std::unique_ptr<Freezer> local_freezer();

}  // namespace machine
