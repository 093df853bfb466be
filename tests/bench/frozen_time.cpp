// Runs a command while a process writes to a file system, and prints the longest that a write had to wait, as one JSON
// object:
//   frozen_time MOUNT-POINT MEBIBYTES COMMAND...
//
// "wait": in microseconds. MEBIBYTES of dirty data are written before. The writer never syncs.
#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <string>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

struct Seen {
    std::atomic<long long> longest = 0;
    std::atomic<bool> writing = false;
};

/// With priority over everything else on a busy computer, so that it waits for nothing but the file system.
[[noreturn]] void write_forever(const std::string& path, Seen& seen) {
    const sched_param priority{50};
    ::sched_setscheduler(0, SCHED_FIFO, &priority);
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT, 0600);
    const char bytes[64] = {};
    for (;;) {
        const auto begun = Clock::now();
        if (::pwrite(file, bytes, sizeof bytes, 0) != sizeof bytes) {
            ::_exit(1);
        }
        const auto wait = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - begun).count();
        seen.longest = std::max<long long>(seen.longest, wait);
        seen.writing = true;
        ::usleep(50);
    }
}

bool make_dirty(const std::string& path, long mebibytes) {
    const std::vector<char> block(1 << 20, 'd');
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT, 0600);
    for (long i = 0; i < mebibytes; ++i) {
        if (::write(file, block.data(), block.size()) != static_cast<ssize_t>(block.size())) {
            return false;
        }
    }
    return file >= 0;
}

}  // namespace

int main(int count, char** values) {
    if (count < 4) {
        std::fputs("usage: frozen_time MOUNT-POINT MEBIBYTES COMMAND...\n", stderr);
        return 2;
    }
    void* memory = ::mmap(nullptr, sizeof(Seen), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    auto& seen = *new (memory) Seen;
    const std::string mount_point = values[1];
    const pid_t writer = ::fork();
    if (writer == 0) {
        write_forever(mount_point + "/written-to", seen);
    }
    if (!make_dirty(mount_point + "/dirty", std::atol(values[2]))) {
        std::perror("cannot make dirty data");
        return 1;
    }
    while (!seen.writing) {
        ::usleep(1000);
    }
    seen.longest = 0;
    const pid_t command = ::fork();
    if (command == 0) {
        ::dup2(STDERR_FILENO, STDOUT_FILENO);  // which has our answer
        ::execv(values[3], values + 3);
        std::perror(values[3]);
        ::_exit(127);
    }
    int status = 0;
    ::waitpid(command, &status, 0);
    ::usleep(50'000);
    const auto longest = seen.longest.load();
    ::kill(writer, SIGKILL);
    ::waitpid(writer, nullptr, 0);
    std::printf(R"({"wait":%lld,"exit":%d})"
                "\n",
                longest, WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    return 0;
}
