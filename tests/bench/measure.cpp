// Runs a command and prints what it took, as one JSON object:
//   measure [--until FILE TEXT] COMMAND...
//
// "wall": until the command ended, or until FILE first contained TEXT; "cpu": of all its processes; both in
// microseconds. "peak": resident memory of its largest process in KiB. With --until, processes that the command left
// behind are waited for as well.
#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace {

using Clock = std::chrono::steady_clock;

long long since(Clock::time_point start) {
    return std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - start).count();
}

long long microseconds(const timeval& time) {
    return time.tv_sec * 1'000'000LL + time.tv_usec;
}

bool contains(const char* file, const std::string& text) {
    std::ifstream stream(file);
    return std::string(std::istreambuf_iterator<char>(stream), {}).find(text) != std::string::npos;
}

/// False when that did not happen within half a minute.
bool wait_until_contains(int notifications, const char* file, const std::string& text) {
    const auto deadline = Clock::now() + std::chrono::seconds(30);
    while (!contains(file, text)) {
        pollfd ready{notifications, POLLIN, 0};
        if (Clock::now() > deadline || ::poll(&ready, 1, 1000) < 0) {
            return false;
        }
        char events[4096];
        [[maybe_unused]] const auto drained = ::read(notifications, events, sizeof events);
    }
    return true;
}

}  // namespace

int main(int count, char** values) {
    const bool until = count > 4 && std::string(values[1]) == "--until";
    char** command = values + (until ? 4 : 1);
    if (!*command) {
        std::fputs("usage: measure [--until FILE TEXT] COMMAND...\n", stderr);
        return 2;
    }
    int notifications = -1;
    if (until) {
        const auto folder = std::filesystem::path(values[2]).parent_path();
        notifications = ::inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
        ::inotify_add_watch(notifications, folder.c_str(), IN_MOVED_TO | IN_CLOSE_WRITE);
        ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    }

    const auto start = Clock::now();
    const pid_t child = ::fork();
    if (child == 0) {
        ::dup2(::open("/dev/null", O_RDONLY), STDIN_FILENO);
        // Not /dev/null: grep ends at its first match when nobody reads what it writes.
        ::dup2(::memfd_create("output", MFD_CLOEXEC), STDOUT_FILENO);
        ::execv(command[0], command);
        std::perror(command[0]);
        ::_exit(127);
    }
    if (until) {
        if (!wait_until_contains(notifications, values[2], values[3])) {
            std::fprintf(stderr, "%s does not come to contain %s\n", values[2], values[3]);
            return 1;
        }
    }

    long long wall = since(start);
    long long cpu = 0;
    long peak = 0;
    int exit_code = 0;
    int status = 0;
    rusage usage{};
    for (pid_t ended = 0; (ended = ::wait4(until ? -1 : child, &status, 0, &usage)) > 0;) {
        cpu += microseconds(usage.ru_utime) + microseconds(usage.ru_stime);
        peak = std::max(peak, usage.ru_maxrss);
        if (ended == child) {
            wall = until ? wall : since(start);
            exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        }
    }
    std::printf(R"({"wall":%lld,"cpu":%lld,"peak":%ld,"exit":%d})"
                "\n",
                wall, cpu, peak, exit_code);
    return 0;
}
