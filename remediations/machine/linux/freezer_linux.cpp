#include "remediations/machine/linux/freezer_linux.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/fanotify.h>
#include <linux/fs.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <csignal>
#include <filesystem>
#include <optional>

#include "remediations/machine/linux/file_descriptor.hpp"
#include "remediations/machine/linux/file_operations.hpp"
#include "remediations/machine/linux/freeze_marker.hpp"
#include "remediations/machine/linux/processes_linux.hpp"
#include "remediations/machine/linux/system_error.hpp"

namespace machine::local {

namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::steady_clock;

constexpr std::size_t most_of_mountinfo = std::size_t{64} << 20;
constexpr std::size_t fdinfo_limit = std::size_t{4} << 20;

/// Data that becomes dirty while the rest is written is written during the freeze. So much is hardly noticed.
constexpr auto quick_sync = milliseconds(50);
constexpr auto slowest_sync = milliseconds(1000);
constexpr int sync_rounds = 4;

constexpr auto thaw_limit = std::chrono::seconds(10);

FileDescriptor open_mount_point(const std::string& path) {
    return FileDescriptor(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC));
}

std::optional<unsigned long> hexadecimal_after(std::string_view text, std::string_view key) {
    const auto at = text.find(key);
    if (at == text.npos) {
        return std::nullopt;
    }
    const std::string_view digits = text.substr(at + key.size());
    unsigned long number = 0;
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), number, 16);
    return parsed.ec == std::errc() ? std::optional(number) : std::nullopt;
}

/// Returns the names in a folder of /proc; empty where its process has ended.
std::vector<std::string> open_files_of(const std::string& folder, int& code) {
    code = 0;
    FileDescriptor directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!directory) {
        code = errno;
        return {};
    }
    const auto names = names_in(std::move(directory), folder);
    return names ? *names : std::vector<std::string>();
}

bool has_ended(int code) {
    return code == ENOENT || code == ESRCH;
}

/// Returns the device number, which identifies the file system, of the mount that a path or descriptor leads to. For
/// btrfs this differs from the device of stat().
Result<std::string> device_of(int descriptor, const std::string& path) {
    // A handle without room for its bytes: the id of the mount comes with the error EOVERFLOW.
    file_handle handle{};
    int mount_id = 0;
    if (::name_to_handle_at(descriptor, "", &handle, &mount_id, AT_EMPTY_PATH) != 0 && errno != EOVERFLOW) {
        if (errno != EOPNOTSUPP) {
            return system_error("cannot tell which file system holds " + path);
        }
        struct stat status {};
        if (::fstat(descriptor, &status) != 0) {
            return system_error("cannot look at " + path);
        }
        return fmt::format("{}:{}", major(status.st_dev), minor(status.st_dev));
    }
    const auto text = read_regular_file("/proc/self/mountinfo", most_of_mountinfo);
    if (!text) {
        return text.error();
    }
    // 36 35 98:0 ...
    const std::string begin = std::to_string(mount_id) + " ";
    std::string_view rest = *text;
    while (!rest.empty()) {
        const auto line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(rest.size(), line.size() + 1));
        if (!line.starts_with(begin)) {
            continue;
        }
        const auto parent_end = line.find(' ', begin.size());
        const auto device_end = line.find(' ', parent_end + 1);
        if (parent_end == line.npos || device_end == line.npos) {
            break;
        }
        return std::string(line.substr(parent_end + 1, device_end - parent_end - 1));
    }
    return Error::not_found(fmt::format("/proc/self/mountinfo has no mount for {}", path));
}

/// The result that a child process reports.
struct Answer {
    int code = 0;  ///< errno
    nanoseconds took{};
};

/// Runs `work` in a process of its own, because a call that hangs in a file system cannot be ended; the process is then
/// left behind. `work` may call only what POSIX allows between fork and exec. It returns errno or 0, and its time is
/// measured.
template <class Work>
Result<Answer> in_child(steady_clock::time_point deadline, const std::string& what, const Work& work) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) {
        return system_error("cannot make a pipe");
    }
    const FileDescriptor reader(ends[0]);
    FileDescriptor writer(ends[1]);
    const pid_t child = ::fork();
    if (child < 0) {
        return system_error("cannot start a process");
    }
    if (child == 0) {
        const auto begun = steady_clock::now();
        Answer answer;
        answer.code = work();
        answer.took = steady_clock::now() - begun;
        ::_exit(::write(writer.get(), &answer, sizeof answer) == sizeof answer ? 0 : 1);
    }
    writer = FileDescriptor();
    const auto left = [&] {
        const auto time = std::chrono::ceil<milliseconds>(deadline - steady_clock::now()).count();
        return static_cast<int>(std::clamp<milliseconds::rep>(time, 0, 3'600'000));
    };
    pollfd event{reader.get(), POLLIN, 0};
    int ready = 0;
    while ((ready = ::poll(&event, 1, left())) < 0 && errno == EINTR) {
    }
    Answer answer;
    const bool answered = ready > 0 && ::read(reader.get(), &answer, sizeof answer) == sizeof answer;
    if (!answered) {
        ::kill(child, SIGKILL);
    }
    ::waitpid(child, nullptr, ready > 0 ? 0 : WNOHANG);
    if (answered) {
        return answer;
    }
    return ready > 0 ? Error::failed(fmt::format("cannot {}: the process for it died", what))
                     : Error::timed_out(fmt::format("cannot {}: no answer in time", what));
}

/// Returns the error for an errno of FIFREEZE.
Error freeze_error(const std::string& mount_point, int code) {
    auto error = system_error("cannot freeze " + mount_point, code);
    const auto means = [&](ErrorKind kind, std::string_view meaning) {
        error.kind = kind;
        error.message =
            fmt::format("{} cannot be frozen: {} ({})", mount_point, meaning, std::generic_category().message(code));
    };
    switch (code) {
        case EBUSY:
            means(ErrorKind::refused, "something else has frozen it already");
            break;
        case EOPNOTSUPP:
        case ENOTTY:
            means(ErrorKind::unsupported, "its file system has no freeze");
            break;
        case EPERM:
        case EACCES:
            means(ErrorKind::access_denied, "this process may not (CAP_SYS_ADMIN)");
            break;
        case EIO:
        case EUCLEAN:
        case ESHUTDOWN:
        case ENODEV:
        case ENXIO:
            means(ErrorKind::failed, "its disk or its file system has errors, see dmesg");
            break;
        case EROFS:
            means(ErrorKind::failed, "it became read-only, after an error most often; see dmesg");
            break;
        default:
            break;
    }
    return error;
}

Error thaw_error(const std::string& mount_point, int code) {
    return Error::failed(fmt::format("{} could not be thawed ({}); try: fsfreeze --unfreeze {}", mount_point,
                                     std::generic_category().message(code), mount_point),
                         code);
}

/// Holds a lock file, whose lock ends when it is closed, and the file and folders that were created for it.
class LinuxFreezeLock final : public FreezeLock {
public:
    LinuxFreezeLock(FileDescriptor file, std::vector<std::string> made)
        : file_(std::move(file)), made_(std::move(made)) {}
    LinuxFreezeLock(const LinuxFreezeLock&) = delete;
    LinuxFreezeLock& operator=(const LinuxFreezeLock&) = delete;
    ~LinuxFreezeLock() override {
        for (; !made_.empty(); made_.pop_back()) {
            if (::unlink(made_.back().c_str()) != 0 && errno == EISDIR) {
                ::rmdir(made_.back().c_str());
            }
        }
    }

private:
    FileDescriptor file_;
    std::vector<std::string> made_;
};

struct flock whole_file() {
    struct flock lock {};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    return lock;
}

/// Syncs the open file systems again until a round is quick. ErrorKind::timed_out where no round is quick enough.
Result<void> sync_until_quick(const std::vector<int>& descriptors, steady_clock::time_point deadline) {
    Answer last;
    for (int round = 0; round < sync_rounds; ++round) {
        const auto synced = in_child(deadline, "write out what is dirty", [&] {
            for (const int descriptor : descriptors) {
                if (::syncfs(descriptor) != 0) {
                    return errno;
                }
            }
            return 0;
        });
        if (!synced) {
            return synced.error();
        }
        last = *synced;
        if (last.took <= quick_sync) {
            return {};
        }
    }
    if (last.took <= slowest_sync) {
        return {};
    }
    return Error::timed_out(
        fmt::format("what is written while the disks are written to took {} ms in the end; a freeze would hold "
                    "up writers for as long",
                    std::chrono::duration_cast<milliseconds>(last.took).count()));
}

std::chrono::microseconds microseconds(nanoseconds time) {
    return std::chrono::duration_cast<std::chrono::microseconds>(time);
}

void tell(FreezeTrial& trial, const GuardedFreeze& freeze, bool cut_short) {
    using State = GuardedFreeze::State;
    trial.freezing = microseconds(freeze.freezing);
    trial.frozen = microseconds(freeze.frozen);
    switch (freeze.state) {
        case State::thawed:
            return;
        case State::not_freezable:
            trial.outcome = freeze_error(trial.mount_point, freeze.code);
            return;
        case State::stuck:
            trial.still_frozen = true;
            trial.outcome = thaw_error(trial.mount_point, freeze.code);
            return;
        case State::not_tried:
            trial.outcome =
                Error::timed_out(fmt::format("{} was not frozen: {}", trial.mount_point,
                                             cut_short ? "the time was used up before" : "it was not its turn"));
    }
}

}  // namespace

bool asks_for_permission(std::string_view fdinfo) {
    constexpr unsigned long permission_events =
        FAN_OPEN_PERM | FAN_ACCESS_PERM | FAN_OPEN_EXEC_PERM | 0x00100000;  // FAN_PRE_ACCESS, Linux 6.14
    while (!fdinfo.empty()) {
        const auto line = fdinfo.substr(0, fdinfo.find('\n'));
        fdinfo.remove_prefix(std::min(fdinfo.size(), line.size() + 1));
        if (!line.starts_with("fanotify ")) {
            continue;
        }
        if (hexadecimal_after(line, " flags:").value_or(0) & (FAN_CLASS_CONTENT | FAN_CLASS_PRE_CONTENT)) {
            return true;
        }
        if (hexadecimal_after(line, " mask:").value_or(0) & permission_events) {
            return true;
        }
    }
    return false;
}

Result<std::vector<Process>> LinuxFreezer::permission_listeners() const {
    const auto processes = LinuxProcesses().list();
    if (!processes) {
        return processes.error();
    }
    std::vector<Process> listeners;
    for (const auto& process : *processes) {
        const auto folder = fmt::format("/proc/{}", process.pid);
        int code = 0;
        for (const auto& name : open_files_of(folder + "/fd", code)) {
            std::error_code gone;
            const auto target = std::filesystem::read_symlink(folder + "/fd/" + name, gone);
            if (gone || target != "anon_inode:[fanotify]") {
                continue;
            }
            const auto info = read_regular_file(folder + "/fdinfo/" + name, fdinfo_limit);
            if (!info && info.error().kind == ErrorKind::not_found) {
                continue;
            }
            // Nothing is known of one that cannot be read, so it counts.
            if (!info || asks_for_permission(*info)) {
                listeners.push_back(process);
                break;
            }
        }
        if (code != 0 && !has_ended(code)) {
            return system_error(fmt::format("cannot see the open files of {} (pid {})", process.name, process.pid),
                                code);
        }
    }
    return listeners;
}

Result<std::string> LinuxFreezer::device_holding(const Path& path) const {
    std::string existing = path;
    for (;;) {
        const FileDescriptor file(::open(existing.c_str(), O_PATH | O_CLOEXEC));
        if (file) {
            return device_of(file.get(), existing);
        }
        if ((errno != ENOENT && errno != ENOTDIR) || existing.size() <= 1) {
            return system_error("cannot look at " + existing);
        }
        existing.resize(std::max<std::size_t>(existing.rfind('/'), 1));
    }
}

Result<std::unique_ptr<FreezeLock>> LinuxFreezer::lock(const Path& file) {
    std::vector<std::string> made;
    for (auto slash = file.find('/', 1); slash != file.npos; slash = file.find('/', slash + 1)) {
        const std::string folder = file.substr(0, slash);
        if (::mkdir(folder.c_str(), 0755) == 0) {
            made.push_back(folder);
        } else if (errno != EEXIST) {
            const auto error = system_error("cannot make folder " + folder);
            const LinuxFreezeLock removes_what_was_made(FileDescriptor(), std::move(made));
            return error;
        }
    }
    bool is_new = true;
    FileDescriptor descriptor(::open(file.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644));
    if (!descriptor && errno == EEXIST) {
        is_new = false;
        descriptor = FileDescriptor(::open(file.c_str(), O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    }
    if (!descriptor) {
        const auto error = system_error("cannot open " + file);
        const LinuxFreezeLock removes_what_was_made(FileDescriptor(), std::move(made));
        return error;
    }
    auto wanted = whole_file();
    if (::fcntl(descriptor.get(), F_SETLK, &wanted) != 0) {
        if (errno != EAGAIN && errno != EACCES) {
            return system_error("cannot lock " + file);
        }
        auto held = whole_file();
        (void)::fcntl(descriptor.get(), F_GETLK, &held);
        return Error::refused(fmt::format("{} is locked by process {}", file, held.l_pid));
    }
    // Another program that freezes removes the file at its end; a lock on a removed file protects nothing.
    struct stat ours {};
    struct stat theirs {};
    if (::fstat(descriptor.get(), &ours) != 0 || ::lstat(file.c_str(), &theirs) != 0 || ours.st_ino != theirs.st_ino ||
        ours.st_dev != theirs.st_dev) {
        return Error::refused(fmt::format("{} is in use: it was removed a moment ago", file));
    }
    if (is_new) {
        made.push_back(file);
    }
    return std::unique_ptr<FreezeLock>(std::make_unique<LinuxFreezeLock>(std::move(descriptor), std::move(made)));
}

Result<FreezeReport> LinuxFreezer::freeze_and_thaw(const std::vector<FreezeTarget>& targets,
                                                   const FreezeLimits& limits) {
    FreezeReport report;
    std::vector<FileDescriptor> opened;
    std::vector<int> descriptors;
    std::vector<std::size_t> trial_of_descriptor;
    for (const auto& target : targets) {
        auto& trial = report.trials.emplace_back();
        trial.mount_point = target.mount_point;
        const auto what = "write out what is dirty on " + target.mount_point;
        const auto synced = in_child(steady_clock::now() + limits.sync, what, [&] {
            const int descriptor = ::open(target.mount_point.c_str(), O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC);
            return descriptor < 0 || ::syncfs(descriptor) != 0 ? errno : 0;
        });
        if (!synced) {
            trial.outcome = synced.error();
            continue;
        }
        trial.sync = microseconds(synced->took);
        if (synced->code != 0) {
            trial.outcome = system_error("cannot " + what, synced->code);
            continue;
        }
        auto descriptor = open_mount_point(target.mount_point);
        const auto device = descriptor ? device_of(descriptor.get(), target.mount_point)
                                       : system_error("cannot open folder " + target.mount_point);
        if (!device) {
            trial.outcome = device.error();
        } else if (*device != target.device) {
            trial.outcome = Error::failed(fmt::format("{} leads to the file system {} now, not to {}",
                                                      target.mount_point, *device, target.device));
        } else {
            trial_of_descriptor.push_back(report.trials.size() - 1);
            descriptors.push_back(descriptor.get());
            opened.push_back(std::move(descriptor));
        }
    }
    if (descriptors.empty()) {
        return report;
    }
    if (const auto synced = sync_until_quick(descriptors, steady_clock::now() + limits.sync); !synced) {
        for (const auto index : trial_of_descriptor) {
            report.trials[index].outcome = synced.error();
        }
        return report;
    }
    FreezeMarker::Content content{switch_in(controls_.rcu_expedited), {}};
    for (const auto index : trial_of_descriptor) {
        content.targets.push_back(targets[index]);
    }
    // Where it cannot be made, the watchers alone have to do.
    const auto marker = FreezeMarker::create(controls_.marker, content);
    if (!marker && marker.error().kind == ErrorKind::refused) {
        return marker.error();
    }
    const auto freezes = freeze_guarded(descriptors, limits.hold, limits.frozen, controls_);
    const auto is_stuck = [](const GuardedFreeze& freeze) { return freeze.state == GuardedFreeze::State::stuck; };
    if (marker && (!freezes || std::ranges::none_of(freezes->freezes, is_stuck))) {
        marker->remove();
    }
    if (!freezes) {
        return freezes.error();
    }
    for (std::size_t i = 0; i < trial_of_descriptor.size(); ++i) {
        tell(report.trials[trial_of_descriptor[i]], freezes->freezes[i], freezes->cut_short);
    }
    report.last_resort = freezes->last_resort;
    if (freezes->cut_short) {
        report.cut_short = fmt::format(
            "everything was thawed early: the limit of {} ms passed, or one of the processes "
            "that watch over the freeze was ended",
            limits.frozen.count());
    }
    return report;
}

Result<std::vector<Path>> LinuxFreezer::thaw_abandoned() {
    const auto abandoned = FreezeMarker::abandoned(controls_.marker);
    std::vector<Path> thawed;
    if (!abandoned) {
        return thawed;
    }
    const auto& [marker, content] = *abandoned;
    for (const auto& target : content.targets) {
        const auto descriptor = open_mount_point(target.mount_point);
        const auto device = descriptor ? device_of(descriptor.get(), target.mount_point) : std::string();
        if (!device || *device != target.device) {
            continue;  // it was unmounted since, which ends a freeze
        }
        const auto what = "thaw " + target.mount_point;
        const auto answer = in_child(steady_clock::now() + thaw_limit, what,
                                     [&] { return ::ioctl(descriptor.get(), FITHAW, 0) != 0 ? errno : 0; });
        if (!answer) {
            return answer.error();
        }
        if (answer->code != 0 && answer->code != EINVAL) {  // EINVAL: it is not frozen
            return system_error("cannot " + what, answer->code);
        }
        if (answer->code == 0) {
            thawed.push_back(target.mount_point);
        }
    }
    if (content.rcu_expedited == '0' && switch_in(controls_.rcu_expedited) == '1') {
        const FileDescriptor expedited(::open(controls_.rcu_expedited.c_str(), O_WRONLY | O_CLOEXEC));
        (void)!::write(expedited.get(), "0", 1);
    }
    marker.remove();
    return thawed;
}

}  // namespace machine::local

namespace machine {

std::unique_ptr<Freezer> local_freezer() {
    return std::make_unique<local::LinuxFreezer>();
}

}  // namespace machine
