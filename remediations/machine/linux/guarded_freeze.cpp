#include "remediations/machine/linux/guarded_freeze.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <poll.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <ctime>
#include <memory>
#include <new>
#include <optional>
#include <span>

#include "remediations/machine/linux/file_descriptor.hpp"
#include "remediations/machine/linux/system_error.hpp"

namespace machine::local {

namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

constexpr int freezer = 0;  ///< the role of the process that freezes; 1 and 2 are the watchers
constexpr int roles = 3;

/// A thaw by another process that takes longer counts as hanging.
constexpr auto patience_with_thaw = milliseconds(500);
/// The time in which the freezing process must see that it has to end.
constexpr auto patience_with_freezer = milliseconds(100);
/// The time for which the freezing process leaves the thaw to the watchers.
constexpr auto patience_with_watchers = milliseconds(100);
constexpr auto patience_with_start = std::chrono::seconds(10);
constexpr auto patience_with_end = std::chrono::seconds(2);
constexpr auto patience_with_last_resort = std::chrono::seconds(1);
/// After this time the freezing process reports a hanging thaw and leaves it to the watchers.
constexpr auto patience_with_all = std::chrono::seconds(5);

enum Phase : int {
    untouched,
    freezing,
    frozen,
    thawing,  ///< plus the role of the process that thaws
    thawed = thawing + roles,
    not_freezable,
    stuck,
};

struct FileSystem {
    int descriptor = -1;
    std::atomic<int> phase = untouched;
    std::atomic<int> code = 0;
    std::atomic<std::int64_t> begun_at = 0;  ///< CLOCK_MONOTONIC, in nanoseconds, like the others
    std::atomic<std::int64_t> frozen_at = 0;
    std::atomic<std::int64_t> thawed_at = 0;
};

/// The memory that the three processes share. The file systems follow it.
struct Shared {
    std::atomic<bool> stop = false;  ///< true: nothing more is frozen
    std::atomic<bool> last_resort = false;
    std::atomic<bool> expedited = false;  ///< true: rcu_expedited must be put back
    std::array<std::atomic<bool>, roles> ready = {};
    std::size_t count = 0;
};
static_assert(std::atomic<bool>::is_always_lock_free && std::atomic<int>::is_always_lock_free &&
              std::atomic<std::int64_t>::is_always_lock_free);
static_assert(sizeof(Shared) % alignof(FileSystem) == 0);

nanoseconds now() noexcept {
    timespec time{};
    ::clock_gettime(CLOCK_MONOTONIC, &time);
    return std::chrono::seconds(time.tv_sec) + nanoseconds(time.tv_nsec);
}

void pause(milliseconds time) noexcept {
    const timespec wanted{0, std::chrono::duration_cast<nanoseconds>(time).count()};
    ::nanosleep(&wanted, nullptr);
}

struct Unmapped {
    std::size_t size;
    void operator()(Shared* shared) const noexcept { ::munmap(shared, size); }
};
using SharedMemory = std::unique_ptr<Shared, Unmapped>;

std::span<FileSystem> file_systems_of(Shared& shared) noexcept {
    return {reinterpret_cast<FileSystem*>(&shared + 1), shared.count};
}

Result<SharedMemory> share(const std::vector<int>& descriptors) {
    const std::size_t size = sizeof(Shared) + descriptors.size() * sizeof(FileSystem);
    void* memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        return system_error("cannot get shared memory");
    }
    SharedMemory shared(new (memory) Shared, Unmapped{size});
    shared->count = descriptors.size();
    for (std::size_t i = 0; i < descriptors.size(); ++i) {
        auto* file_system = new (reinterpret_cast<FileSystem*>(shared.get() + 1) + i) FileSystem;
        file_system->descriptor = descriptors[i];
    }
    return shared;
}

/// All files that are needed while something is frozen. They are opened before.
struct Handles {
    std::array<FileDescriptor, roles> alive;   ///< write ends; each process keeps only its own
    std::array<FileDescriptor, roles> end_of;  ///< read ends; end of file when that process ends
    FileDescriptor request;                    ///< request to thaw
    FileDescriptor limit;                      ///< a timer
    FileDescriptor sysrq;                      ///< none where the kernel has no SysRq
    FileDescriptor expedite;                   ///< none where it must not be changed
};

Result<Handles> open_handles(const KernelControls& controls) {
    Handles handles;
    for (int role = 0; role < roles; ++role) {
        int ends[2];
        if (::pipe2(ends, O_CLOEXEC) != 0) {
            return system_error("cannot make a pipe");
        }
        handles.end_of.at(static_cast<std::size_t>(role)) = FileDescriptor(ends[0]);
        handles.alive.at(static_cast<std::size_t>(role)) = FileDescriptor(ends[1]);
    }
    handles.request = FileDescriptor(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!handles.request) {
        return system_error("cannot make an event");
    }
    handles.limit = FileDescriptor(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
    if (!handles.limit) {
        return system_error("cannot make a timer");
    }
    handles.sysrq = FileDescriptor(::open(controls.sysrq_trigger.c_str(), O_WRONLY | O_CLOEXEC));
    // A freeze waits for three RCU grace periods, two of them with writers waiting already: some 10 ms each, and
    // less than one when expedited. Where it is on already, or an administrator forbade it, it stays as it is.
    if (switch_in(controls.rcu_expedited) == '0' && switch_in(controls.rcu_normal) != '1') {
        handles.expedite = FileDescriptor(::open(controls.rcu_expedited.c_str(), O_WRONLY | O_CLOEXEC));
    }
    return handles;
}

/// Locks every page of this process in memory, including the future pages of the stack. fork does not inherit this.
bool lock_memory() noexcept {
    if (::mlockall(MCL_CURRENT | MCL_FUTURE) != 0) {
        return false;
    }
    volatile char stack[64 * 1024];
    for (std::size_t i = 0; i < sizeof stack; i += 1024) {
        stack[i] = 0;
    }
    return true;
}

/// Gives this process priority, so that no other process delays it while something is frozen.
void take_priority() noexcept {
    const sched_param lowest{1};
    ::sched_setscheduler(0, SCHED_FIFO, &lowest);
}

/// One of the three processes. From its construction on nothing throws, allocates or opens.
class Guard {
public:
    Guard(Shared& shared, const Handles& handles, int role) noexcept
        : shared_(shared), file_systems_(file_systems_of(shared)), handles_(handles), role_(role) {}

    void freeze_all() noexcept {
        expedite();
        for (auto& file_system : file_systems_) {
            file_system.phase = freezing;
            if (shared_.stop) {
                file_system.phase = untouched;
                return;
            }
            file_system.begun_at = now().count();
            int expected = freezing;
            if (::ioctl(file_system.descriptor, FIFREEZE, 0) == 0) {
                file_system.frozen_at = now().count();
                file_system.phase.compare_exchange_strong(expected, frozen);
            } else {
                file_system.code = errno;
                file_system.phase.compare_exchange_strong(expected, not_freezable);
            }
        }
    }

    /// Waits until the time is over. Returns false earlier if the limit passes, another process ends, or a watcher has
    /// to thaw.
    bool hold(int time_in_ms) noexcept {
        std::array<pollfd, roles + 1> events = {};
        for (int role = 0; role < roles; ++role) {
            events.at(static_cast<std::size_t>(role)) =
                pollfd{role == role_ ? handles_.limit.get() : end_of(role), POLLIN, 0};
        }
        events.back() = pollfd{role_ == freezer ? -1 : handles_.request.get(), POLLIN, 0};
        int happened = 0;
        while ((happened = ::poll(events.data(), events.size(), time_in_ms)) < 0 && errno == EINTR) {
        }
        return happened == 0;
    }

    /// Returns when nothing that this program froze is still frozen, or when nothing more can be done.
    void thaw_all() noexcept {
        shared_.stop = true;
        const auto begun = now();
        const std::uint64_t one = 1;
        (void)!::write(handles_.request.get(), &one, sizeof one);
        for (;;) {
            bool somebody_thaws = false;
            bool freeze_in_progress = false;
            // The frozen ones first: the one that is still freezing may wait until another one is thawed.
            for (std::size_t left = file_systems_.size(); left > 0; --left) {
                somebody_thaws |= !thaw(file_systems_[left - 1], begun);
            }
            for (auto& file_system : file_systems_) {
                freeze_in_progress |= !end_freeze(file_system, begun);
            }
            if (!somebody_thaws && !freeze_in_progress) {
                break;
            }
            if (somebody_thaws && now() - begun > patience_with_thaw) {
                use_last_resort();
            }
            if (role_ == freezer && now() - begun > patience_with_all) {
                return;
            }
            pause(milliseconds(1));
        }
        stop_expediting();
    }

    bool anything_is_stuck() const noexcept {
        return std::ranges::any_of(file_systems_, [](const auto& file_system) { return file_system.phase == stuck; });
    }

    bool has_ended(int role) const noexcept {
        pollfd event{end_of(role), POLLIN, 0};
        return ::poll(&event, 1, 0) > 0;
    }

private:
    int end_of(int role) const noexcept { return handles_.end_of[static_cast<std::size_t>(role)].get(); }

    /// Returns true if this process may thaw what it sees frozen. A process that is killed while it thaws btrfs leaves
    /// btrfs read-only until the next mount: since Linux 6.2, btrfs then reads its superblock and takes the
    /// interruption for an error. Others have reasons to kill the freezing process; nobody knows the watchers.
    bool is_in_charge(nanoseconds begun) const noexcept {
        return role_ != freezer || now() - begun > patience_with_watchers || (has_ended(1) && has_ended(2));
    }

    /// Returns false while the thaw is left to another process.
    bool thaw(FileSystem& file_system, nanoseconds begun) noexcept {
        int phase = file_system.phase;
        if (phase == frozen) {
            if (!is_in_charge(begun) || !file_system.phase.compare_exchange_strong(phase, thawing + role_)) {
                return false;
            }
        } else if (phase >= thawing && phase < thawed) {
            if (!has_ended(phase - thawing) || !file_system.phase.compare_exchange_strong(phase, thawing + role_)) {
                return false;
            }
        } else {
            return true;
        }
        if (!ends_freeze(file_system)) {
            use_last_resort();
            const auto deadline = now() + patience_with_last_resort;
            while (!ends_freeze(file_system)) {
                if (now() > deadline) {
                    file_system.phase = stuck;
                    return true;
                }
                pause(milliseconds(10));
            }
        }
        file_system.thawed_at = now().count();
        file_system.phase = thawed;
        return true;
    }

    /// Ends a freeze that the freezing process has begun and not reported. If that process is dead, nobody knows if the
    /// freeze failed, because another program has frozen the file system, or if it succeeded. That moment lasts
    /// nanoseconds, and a file system that stays frozen is worse than one that another program finds thawed.
    bool end_freeze(FileSystem& file_system, nanoseconds begun) noexcept {
        if (file_system.phase != freezing) {
            return file_system.phase != frozen;
        }
        const bool ended = has_ended(freezer);
        if (!ended && now() - begun < patience_with_freezer) {
            return false;
        }
        // For an incomplete freeze the kernel returns EINVAL, or blocks until it is complete.
        const bool done = ::ioctl(file_system.descriptor, FITHAW, 0) == 0;
        if (!done && !ended) {
            return false;
        }
        int expected = freezing;
        const int now_is = done ? thawed : not_freezable;
        file_system.thawed_at = now().count();
        if (!file_system.phase.compare_exchange_strong(expected, now_is) && done) {
            expected = frozen;
            file_system.phase.compare_exchange_strong(expected, thawed);
        }
        return true;
    }

    /// EINVAL means that it is not frozen.
    static bool ends_freeze(FileSystem& file_system) noexcept {
        if (::ioctl(file_system.descriptor, FITHAW, 0) == 0 || errno == EINVAL) {
            return true;
        }
        file_system.code = errno;
        return false;
    }

    /// Makes the kernel thaw all file systems, in a thread of its own.
    void use_last_resort() noexcept {
        if (!shared_.last_resort && handles_.sysrq && ::write(handles_.sysrq.get(), "j", 1) == 1) {
            shared_.last_resort = true;
        }
    }

    void expedite() noexcept {
        if (handles_.expedite) {
            shared_.expedited = true;
            (void)!::write(handles_.expedite.get(), "1", 1);
        }
    }

    void stop_expediting() noexcept {
        if (shared_.expedited) {
            (void)!::write(handles_.expedite.get(), "0", 1);
            shared_.expedited = false;
        }
    }

    Shared& shared_;
    std::span<FileSystem> file_systems_;
    const Handles& handles_;
    int role_;
};

/// Leaves the control group where the system allows it. "0" means the writing process.
void leave_control_group(const std::vector<std::string>& outermost_groups) noexcept {
    for (const auto& group : outermost_groups) {
        const FileDescriptor file(::open(group.c_str(), O_WRONLY | O_CLOEXEC));
        if (file) {
            (void)!::write(file.get(), "0", 1);
        }
    }
}

/// Runs a watcher. Only SIGKILL ends it, and not the out-of-memory killer. It closes none of its inherited files: the
/// freezing process may have one open for writing, and the last process that closes such a file may have to write.
[[noreturn]] void watch(Shared& shared, Handles& handles, int role, const KernelControls& controls) noexcept {
    sigset_t all;
    ::sigfillset(&all);
    ::sigprocmask(SIG_SETMASK, &all, nullptr);
    ::setsid();
    ::prctl(PR_SET_NAME, "freeze-watcher");
    leave_control_group(controls.outermost_groups);
    const int score = ::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    (void)!::write(score, "-1000", 5);
    ::close(score);
    for (int other = 0; other < roles; ++other) {
        if (other != role) {
            handles.alive[static_cast<std::size_t>(other)] = FileDescriptor();
        }
    }
    if (!lock_memory()) {
        ::_exit(1);
    }
    take_priority();
    Guard guard(shared, handles, role);
    shared.ready[static_cast<std::size_t>(role)] = true;
    (void)guard.hold(-1);
    guard.thaw_all();
    // The freezing process may not live to do it; and a marker of what is thawed would end somebody else's freeze.
    if (!guard.anything_is_stuck()) {
        ::unlink(controls.marker.c_str());
    }
    ::_exit(0);
}

/// The process ids of the watchers. They end when nobody keeps our pipe open.
class Watchers {
public:
    Watchers(Shared& shared, Handles& handles, const KernelControls& controls)
        : shared_(shared), handles_(handles), controls_(controls) {}
    Watchers(const Watchers&) = delete;
    Watchers& operator=(const Watchers&) = delete;
    ~Watchers() {
        handles_.alive[freezer] = FileDescriptor();
        const auto deadline = now() + patience_with_end;
        for (const pid_t pid : pids_) {
            // A watcher that hangs in a thaw is left alone.
            while (pid > 0 && ::waitpid(pid, nullptr, WNOHANG) == 0 && now() < deadline) {
                pause(milliseconds(1));
            }
        }
    }

    Result<void> start() {
        for (int role = 1; role < roles; ++role) {
            const pid_t pid = ::fork();
            if (pid < 0) {
                return system_error("cannot start a process that watches over the freeze");
            }
            if (pid == 0) {
                watch(shared_, handles_, role, controls_);
            }
            pids_.at(static_cast<std::size_t>(role) - 1) = pid;
        }
        for (int role = 1; role < roles; ++role) {
            handles_.alive.at(static_cast<std::size_t>(role)) = FileDescriptor();
        }
        return {};
    }

    Result<void> wait_until_ready(const Guard& guard) const {
        const auto deadline = now() + patience_with_start;
        while (!shared_.ready[1] || !shared_.ready[2]) {
            if (guard.has_ended(1) || guard.has_ended(2) || now() > deadline) {
                return Error::failed("the processes that watch over the freeze did not become ready");
            }
            pause(milliseconds(1));
        }
        return {};
    }

private:
    Shared& shared_;
    Handles& handles_;
    const KernelControls& controls_;
    std::array<pid_t, roles - 1> pids_ = {};
};

/// Locks this process in memory; this thread gets priority and no signals.
class Undisturbed {
public:
    Undisturbed() : locked_(lock_memory()), code_(errno), policy_(::sched_getscheduler(0)) {
        sigset_t all;
        ::sigfillset(&all);
        ::pthread_sigmask(SIG_SETMASK, &all, &signals_);
        ::sched_getparam(0, &priority_);
        take_priority();
    }
    Undisturbed(const Undisturbed&) = delete;
    Undisturbed& operator=(const Undisturbed&) = delete;
    ~Undisturbed() {
        ::sched_setscheduler(0, policy_, &priority_);
        ::pthread_sigmask(SIG_SETMASK, &signals_, nullptr);
        ::munlockall();
    }

    Result<void> is_locked() const {
        if (!locked_) {
            return system_error("cannot keep this program in memory (mlockall)", code_);
        }
        return {};
    }

private:
    bool locked_;
    int code_;
    int policy_;
    sched_param priority_{};
    sigset_t signals_{};
};

GuardedFreeze told(const FileSystem& file_system) {
    using State = GuardedFreeze::State;
    GuardedFreeze freeze;
    freeze.code = file_system.code;
    switch (file_system.phase) {
        case untouched:
            return freeze;
        case not_freezable:
            freeze.state = State::not_freezable;
            return freeze;
        case thawed:
            freeze.state = State::thawed;
            break;
        default:
            freeze.state = State::stuck;
    }
    const nanoseconds begun(file_system.begun_at);
    const nanoseconds complete(file_system.frozen_at != 0 ? file_system.frozen_at : file_system.thawed_at);
    freeze.freezing = complete - begun;
    freeze.frozen = nanoseconds(file_system.thawed_at) - begun;
    return freeze;
}

}  // namespace

char switch_in(const std::string& path) {
    const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    char character = '\0';
    return file && ::read(file.get(), &character, 1) == 1 ? character : '\0';
}

Result<GuardedFreezes> freeze_guarded(const std::vector<int>& descriptors, milliseconds hold, milliseconds limit,
                                      const KernelControls& controls) {
    const auto shared = share(descriptors);
    if (!shared) {
        return shared.error();
    }
    auto handles = open_handles(controls);
    if (!handles) {
        return handles.error();
    }
    GuardedFreezes result;
    result.freezes.reserve(descriptors.size());
    {
        Watchers watchers(**shared, *handles, controls);
        if (const auto started = watchers.start(); !started) {
            return started.error();
        }
        const Undisturbed undisturbed;
        if (const auto locked = undisturbed.is_locked(); !locked) {
            return locked.error();
        }
        Guard guard(**shared, *handles, freezer);
        if (const auto ready = watchers.wait_until_ready(guard); !ready) {
            return ready.error();
        }
        const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(limit);
        const itimerspec alarm{{0, 0}, {seconds.count(), nanoseconds(limit - seconds).count()}};
        if (::timerfd_settime(handles->limit.get(), 0, &alarm, nullptr) != 0) {
            return system_error("cannot set a timer");
        }
        guard.freeze_all();
        result.cut_short = !guard.hold(static_cast<int>(hold.count())) || (*shared)->stop;
        guard.thaw_all();
    }
    for (const auto& file_system : file_systems_of(**shared)) {
        result.freezes.push_back(told(file_system));
    }
    result.last_resort = (*shared)->last_resort;
    return result;
}

}  // namespace machine::local
