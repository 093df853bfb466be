#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/fs.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include "remediations/machine/linux/file_descriptor.hpp"
#include "remediations/machine/linux/freezer_linux.hpp"
#include "remediations/machine/run_command.hpp"
#include "tests/remediations/machine/temporary_folder.hpp"

/// Real file systems to freeze, each on a loop device of its own; never one of the computer.
namespace freeze_test {

using machine::local::FileDescriptor;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

inline void must_run(const std::string& program, const std::vector<std::string>& arguments) {
    const auto output = machine::run_command({program, arguments, std::chrono::seconds(60)});
    if (!output || output->exit_code != 0) {
        throw std::runtime_error(program + ": " + (output ? output->out + output->err : output.error().message));
    }
}

/// A process of ours, ended with the object.
class Child {
public:
    Child() = default;
    template <class Body>
    explicit Child(const Body& body) : pid_(::fork()) {
        if (pid_ == 0) {
            ::_exit(body());
        }
    }
    Child(Child&& other) noexcept : pid_(std::exchange(other.pid_, 0)) {}
    Child& operator=(Child&& other) noexcept {
        std::swap(pid_, other.pid_);
        return *this;
    }
    ~Child() {
        if (pid_ > 0) {
            ::kill(pid_, SIGKILL);
            (void)ends_within(std::chrono::seconds(5));
        }
    }

    pid_t pid() const { return pid_; }
    void signal(int number) const {
        if (pid_ > 0) ::kill(pid_, number);
    }

    bool ends_within(milliseconds time) {
        const auto deadline = steady_clock::now() + time;
        while (pid_ > 0) {
            if (::waitpid(pid_, &status_, WNOHANG) == pid_) {
                pid_ = 0;
            } else if (steady_clock::now() > deadline) {
                return false;
            } else {
                std::this_thread::sleep_for(milliseconds(1));
            }
        }
        return true;
    }
    int exit_code() const { return WIFEXITED(status_) ? WEXITSTATUS(status_) : -1; }

private:
    pid_t pid_ = 0;
    int status_ = 0;
};

/// Memory that child processes share.
template <class T>
class SharedValue {
public:
    SharedValue()
        : value_(new (::mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) T()) {}
    SharedValue(const SharedValue&) = delete;
    SharedValue& operator=(const SharedValue&) = delete;
    ~SharedValue() { ::munmap(value_, sizeof(T)); }
    T* operator->() const { return value_; }

private:
    T* value_;
};

/// So that on a busy computer a process waits for file systems alone.
inline void take_priority() {
    const sched_param priority{10};
    ::sched_setscheduler(0, SCHED_FIFO, &priority);
}

/// Whether a new process can write there within the time.
inline bool is_writable(const std::string& mount_point, milliseconds time) {
    Child writer([&] {
        take_priority();
        const int file = ::open((mount_point + "/written").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        return file >= 0 && ::pwrite(file, "x", 1, 0) == 1 ? 0 : errno;
    });
    if (!writer.ends_within(time)) {
        return false;
    }
    if (writer.exit_code() != 0) {
        std::cout << "a write to " << mount_point << " failed with errno " << writer.exit_code() << "\n";
    }
    return writer.exit_code() == 0;
}

/// A process that writes all the time and knows the longest it had to wait.
class Writer {
public:
    explicit Writer(const std::string& mount_point)
        : child_([this, path = mount_point + "/written-to"] {
              const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
              take_priority();
              for (auto last = steady_clock::now();;) {
                  if (::pwrite(file, "x", 1, 0) != 1) {
                      return 1;
                  }
                  const auto now = steady_clock::now();
                  state_->longest = std::max(state_->longest.load(), (now - last).count());
                  state_->last = now.time_since_epoch().count();
                  last = now;
                  ::usleep(2000);
              }
              return 0;
          }) {
        while (state_->last == 0) std::this_thread::sleep_for(milliseconds(1));
    }

    void forget() const { state_->longest = 0; }
    std::chrono::nanoseconds longest_wait() const { return std::chrono::nanoseconds(state_->longest); }
    bool waits_for(milliseconds time) const {
        const auto last = steady_clock::time_point(steady_clock::duration(state_->last));
        return steady_clock::now() - last > time;
    }

private:
    struct State {
        std::atomic<std::int64_t> last = 0;
        std::atomic<std::int64_t> longest = 0;
    };
    SharedValue<State> state_;
    Child child_;
};

/// A process that thaws what a test left frozen, when the test's process ends or takes too long.
class ThawGuard {
public:
    ThawGuard(int descriptor, std::chrono::seconds limit)
        : pid_([descriptor, limit, parent = ::getpid()] {
              const pid_t child = ::fork();
              if (child == 0) {
                  ::setsid();
                  const auto deadline = steady_clock::now() + limit;
                  while (::getppid() == parent && steady_clock::now() < deadline) ::usleep(100'000);
                  for (int i = 0; i < 1000 && (::ioctl(descriptor, FITHAW, 0) == 0 || errno != EINVAL); ++i) {
                      ::usleep(10'000);
                  }
                  ::_exit(0);
              }
              return child;
          }()) {}
    ThawGuard(const ThawGuard&) = delete;
    ThawGuard& operator=(const ThawGuard&) = delete;
    ~ThawGuard() {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }

private:
    pid_t pid_;
};

class Disk {
public:
    /// An image in `folder`, which may lie on another disk. `kind` is ext3, ext4, xfs or btrfs.
    Disk(const std::filesystem::path& folder, const std::string& name, const std::string& kind,
         std::uint64_t megabytes = 400)
        : mount_point_(folder / (name + "-mounted")) {
        const auto image = (folder / (name + ".img")).string();
        std::ofstream(image).flush();
        std::filesystem::resize_file(image, megabytes << 20);
        must_run("/sbin/mkfs." + kind, {kind == "btrfs" || kind == "xfs" ? "-f" : "-F", "-q", image});
        std::filesystem::create_directory(mount_point_);
        must_run("/bin/mount", {"-o", "loop", image, mount_point_});
        open();
    }
    /// What lies on a block device.
    Disk(const std::string& device, const std::filesystem::path& mount_point) : mount_point_(mount_point) {
        std::filesystem::create_directory(mount_point_);
        must_run("/bin/mount", {device, mount_point_});
        open();
    }
    Disk(const Disk&) = delete;
    Disk& operator=(const Disk&) = delete;
    ~Disk() {
        thaw();
        guard_.reset();
        root_ = FileDescriptor();
        for (int i = 0; i < 100; ++i) {
            const auto output = machine::run_command({"/bin/umount", {mount_point_}, std::chrono::seconds(20)});
            if (output && output->exit_code == 0) break;
            std::this_thread::sleep_for(milliseconds(20));
        }
    }

    const std::string& path() const { return mount_point_; }
    int root() const { return root_.get(); }
    const std::string& device() const { return device_; }
    machine::FreezeTarget target() const { return {mount_point_, device_}; }

    bool freeze() const { return ::ioctl(root_.get(), FIFREEZE, 0) == 0; }
    bool thaw() const { return ::ioctl(root_.get(), FITHAW, 0) == 0; }

    void dirty(std::uint64_t megabytes) const {
        const std::vector<char> block(1 << 20, 'd');
        const FileDescriptor file(::open((mount_point_ + "/dirty").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
        for (std::uint64_t i = 0; i < megabytes; ++i) {
            ASSERT_EQ(::write(file.get(), block.data(), block.size()), static_cast<ssize_t>(block.size()));
        }
    }

private:
    void open() {
        root_ = FileDescriptor(::open(mount_point_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        guard_ = std::make_unique<ThawGuard>(root_.get(), std::chrono::seconds(300));
        device_ = machine::local::LinuxFreezer().device_holding(mount_point_).value();
    }

    std::string mount_point_;
    std::string device_;
    FileDescriptor root_;
    std::unique_ptr<ThawGuard> guard_;
};

}  // namespace freeze_test
