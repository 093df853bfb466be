#include "remediations/machine/linux/child_process.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/close_range.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <thread>

#include "remediations/machine/linux/system_error.hpp"

namespace machine::local {

namespace {

/// The two parameter objects of posix_spawn. The destructor frees them.
struct SpawnWishes {
    SpawnWishes() {
        ::posix_spawn_file_actions_init(&actions);
        ::posix_spawnattr_init(&attributes);
    }
    ~SpawnWishes() {
        ::posix_spawn_file_actions_destroy(&actions);
        ::posix_spawnattr_destroy(&attributes);
    }
    SpawnWishes(const SpawnWishes&) = delete;
    SpawnWishes& operator=(const SpawnWishes&) = delete;

    posix_spawn_file_actions_t actions{};
    posix_spawnattr_t attributes{};
};

constexpr int first_inherited_descriptor = 3;

/// The longest wait for a killed process to end. One that waits for a dead disk never ends.
constexpr auto patience_after_kill = std::chrono::seconds(2);

/// Calls waitpid until `deadline`. ErrorKind::timed_out where the child still runs then.
Result<int> poll_child(pid_t child, std::chrono::steady_clock::time_point deadline, const std::string& name) {
    auto pause = std::chrono::milliseconds(1);
    while (true) {
        int status = 0;
        const pid_t ended = ::waitpid(child, &status, WNOHANG);
        if (ended == child) {
            return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
        }
        if (ended < 0 && errno != EINTR) {
            return system_error("cannot wait for " + name);
        }
        const auto left = deadline - std::chrono::steady_clock::now();
        if (left <= left.zero()) {
            return Error::timed_out(name + " did not end in time and was stopped");
        }
        std::this_thread::sleep_for(std::min<std::chrono::steady_clock::duration>(pause, left));
        pause = std::min(pause * 2, std::chrono::milliseconds(100));
    }
}

}  // namespace

Result<pid_t> start_child(const std::filesystem::path& program, const std::vector<std::string>& arguments,
                          const std::filesystem::path& working_directory, ChildOf child_of) {
    SpawnWishes wishes;
    ::posix_spawn_file_actions_addopen(&wishes.actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_addopen(&wishes.actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    ::posix_spawn_file_actions_addopen(&wishes.actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    ::posix_spawn_file_actions_addclosefrom_np(&wishes.actions, first_inherited_descriptor);
    ::posix_spawn_file_actions_addchdir_np(&wishes.actions, working_directory.c_str());

    sigset_t signals;
    ::sigemptyset(&signals);
    ::posix_spawnattr_setsigmask(&wishes.attributes, &signals);
    ::sigfillset(&signals);
    ::posix_spawnattr_setsigdefault(&wishes.attributes, &signals);
    ::posix_spawnattr_setpgroup(&wishes.attributes, 0);
    const int leader = child_of == ChildOf::new_session ? POSIX_SPAWN_SETSID : POSIX_SPAWN_SETPGROUP;
    ::posix_spawnattr_setflags(&wishes.attributes,
                               static_cast<short>(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | leader));

    std::string name = program.string();
    std::vector<std::string> words = arguments;
    std::vector<char*> argument_pointers = {name.data()};
    for (std::string& word : words) {
        argument_pointers.push_back(word.data());
    }
    argument_pointers.push_back(nullptr);
    std::string path = std::string("PATH=") + child_path;
    char* environment[] = {path.data(), nullptr};

    pid_t child = 0;
    const int code = ::posix_spawn(&child, name.c_str(), &wishes.actions, &wishes.attributes, argument_pointers.data(),
                                   static_cast<char**>(environment));
    if (code != 0) {
        return system_error(fmt::format("cannot start {} in {}", name, working_directory.string()), code);
    }
    return child;
}

Result<int> wait_for_child(pid_t child, std::chrono::steady_clock::time_point deadline, const std::string& name) {
    auto ended = poll_child(child, deadline, name);
    if (!ended && ended.error().kind == ErrorKind::timed_out) {
        ::kill(-child, SIGKILL);
        (void)poll_child(child, std::chrono::steady_clock::now() + patience_after_kill, name);
    }
    return ended;
}

void prepare_for_exec() noexcept {
    if (::syscall(SYS_close_range, first_inherited_descriptor, ~0U, CLOSE_RANGE_CLOEXEC) != 0) {
        // Before Linux 5.11. Descriptors are given out from the lowest, so none of ours lies above this end.
        struct rlimit limit {};
        ::getrlimit(RLIMIT_NOFILE, &limit);
        const auto end = static_cast<int>(std::min<rlim_t>(limit.rlim_cur, 65536));
        for (int descriptor = first_inherited_descriptor; descriptor < end; ++descriptor) {
            ::fcntl(descriptor, F_SETFD, FD_CLOEXEC);
        }
    }
    for (int number = 1; number < SIGRTMIN; ++number) {
        ::signal(number, SIG_DFL);
    }
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

}  // namespace machine::local
