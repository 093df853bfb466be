#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <functional>

#include "handler/agent/lock.hpp"

namespace handler::test {

/// Another process, because a file lock says nothing within one. It ends with the object.
class OtherProcess {
public:
    explicit OtherProcess(const std::function<int()>& body) : pid_(::fork()) {
        if (pid_ == 0) ::_exit(body());
    }
    ~OtherProcess() { kill(); }
    OtherProcess(const OtherProcess&) = delete;
    OtherProcess& operator=(const OtherProcess&) = delete;

    void kill() {
        if (pid_ <= 0) return;
        ::kill(pid_, SIGKILL);
        wait();
    }
    /// Its exit code, -1 after a signal.
    int wait() {
        if (pid_ <= 0) return exit_code_;
        int status = 0;
        ::waitpid(pid_, &status, 0);
        pid_ = 0;
        return exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    }

private:
    pid_t pid_ = 0;
    int exit_code_ = -1;
};

/// Holds a lock until it goes away.
class LockHolder {
public:
    explicit LockHolder(const std::filesystem::path& file)
        : process_([&file] {
              const auto lock = FileLock::acquire(file, std::chrono::seconds(5));
              for (;;) ::pause();
              return 0;
          }) {
        while (!FileLock::held_elsewhere(file)) ::usleep(1000);
    }
    void release() { process_.kill(); }

private:
    OtherProcess process_;
};

}  // namespace handler::test
