#include "remediations/machine/linux/mounts_linux.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <linux/fs.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <iostream>
#include <thread>

#include "remediations/machine/linux/file_descriptor.hpp"
#include "remediations/machine/linux/processes_linux.hpp"
#include "remediations/machine/run_command.hpp"
#include "tests/remediations/machine/temporary_folder.hpp"

namespace machine::local::mounts_linux_test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Mount parsed(const std::string& line) {
    const auto mounts = parse_mountinfo(line);
    EXPECT_TRUE(mounts) << mounts.error().message;
    return mounts && mounts->size() == 1 ? mounts->front() : Mount{};
}

TEST(Mountinfo, IsParsed) {
    EXPECT_EQ(parsed("36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue\n"),
              (Mount{"/dev/root", "/mnt2", "ext3", {"rw", "noatime", "errors=continue"}, "98:0", "/mnt1"}));
    EXPECT_EQ(parsed("21 26 0:20 / /sys rw shared:7 master:2 propagate_from:1 unbindable - sysfs sysfs rw"),
              (Mount{"sysfs", "/sys", "sysfs", {"rw"}, "0:20", "/"}));
    EXPECT_EQ(parsed("21 26 0:20 / / rw - tmpfs  rw").source, "");
    EXPECT_TRUE(parse_mountinfo("")->empty());
}

TEST(Mountinfo, TheRootOfABindMountIsNoPathOfOurs) {
    EXPECT_EQ(parsed("36 35 0:4 net:[4026532] /run/netns/x rw - nsfs nsfs rw").root, "net:[4026532]");
    EXPECT_EQ(parsed(R"(36 35 8:1 /a\040b//deleted /mnt rw - ext4 /dev/sda1 rw)").root, "/a b//deleted");
}

TEST(Mountinfo, EscapesAreUndone) {
    const Mount mount = parsed(R"(36 35 0:5 / /a\040b\011c\012d\134e rw - fuse.x\040y src\0401 rw)");
    EXPECT_EQ(mount.target, "/a b\tc\nd\\e");
    EXPECT_EQ(mount.type, "fuse.x y");
    EXPECT_EQ(mount.source, "src 1");
}

TEST(Mountinfo, ReadOnlyWins) {
    EXPECT_THAT(parsed("1 1 8:1 / / rw - ext4 /dev/sda1 ro,data=ordered").options, ElementsAre("ro", "data=ordered"));
    EXPECT_THAT(parsed("1 1 8:1 / / ro,nosuid - ext4 /dev/sda1 rw").options, ElementsAre("ro", "nosuid"));
}

TEST(Mountinfo, WhatIsWrongIsNamedWithItsLine) {
    const std::string good = "36 35 98:0 / /mnt rw - ext4 /dev/sda1 rw\n";
    const std::string bad[] = {
        "\n",
        "x\n",
        "36 35 98:0 / /mnt rw\n",
        "36 35 98:0 / /mnt rw -\n",
        "36 35 98:0 / /mnt rw - ext4 /dev/sda1\n",
        "36 35 98:0 / /mnt rw shared:1 ext4 /dev/sda1 rw\n",
        "- - - - - -\n",
        "36 35 98:0 / relative rw - ext4 /dev/sda1 rw\n",
        "36 35 98:0 \\9 /mnt rw - ext4 /dev/sda1 rw\n",
        "36 35 98:0  /mnt rw - ext4 /dev/sda1 rw\n",
        "36 35 98:0 /  rw - ext4 /dev/sda1 rw\n",
        "36 35 98:0 / /mnt rw -  /dev/sda1 rw\n",
        "36 35 98:0 / /a\\04 rw - ext4 /dev/sda1 rw\n",
        "36 35 98:0 / /a\\ rw - ext4 /dev/sda1 rw\n",
        "36 35 98:0 / /a\\999 rw - ext4 /dev/sda1 rw\n",
        "36 35 98:0 / /a\\777 rw - ext4 /dev/sda1 rw\n",
        std::string(100000, ' ').append("\n"),
        std::string("\0\xff\n", 3),
    };
    for (const std::string& line : bad) {
        const auto mounts = parse_mountinfo(std::string(good).append(line).append(good));
        ASSERT_FALSE(mounts) << line.substr(0, 80);
        EXPECT_EQ(mounts.error().kind, ErrorKind::invalid);
        EXPECT_THAT(mounts.error().message, HasSubstr("/proc/self/mountinfo line 2: expected"));
        EXPECT_LT(mounts.error().message.size(), 500u);
    }
}

TEST(Mountinfo, ManyLinesAreRead) {
    std::string text;
    for (int i = 0; i < 10000; ++i) {
        text += fmt::format("{} 1 0:{} / /var/lib/kubelet/pods/{}/volumes rw,relatime shared:{} - tmpfs tmpfs rw\n", i,
                            i, i, i);
    }
    const auto mounts = parse_mountinfo(text);
    ASSERT_EQ(mounts->size(), 10000u);
    EXPECT_EQ(mounts->back().target, "/var/lib/kubelet/pods/9999/volumes");
}

TEST(LinuxMounts, KnowTheRootAndProc) {
    const auto mounts = LinuxMounts().list();
    ASSERT_TRUE(mounts) << mounts.error().message;
    EXPECT_THAT(*mounts, testing::Contains(testing::Field(&Mount::target, "/")));
    EXPECT_THAT(*mounts, testing::Contains(testing::Field(&Mount::type, "proc")));
}

TEST(OppositeOption, ExistsForWhatAMountHasAlone) {
    for (const auto& [option, opposite] :
         {std::pair{"ro", "rw"}, {"exec", "noexec"}, {"suid", "nosuid"}, {"dev", "nodev"}}) {
        EXPECT_EQ(opposite_option(option), opposite);
        EXPECT_EQ(opposite_option(opposite), option);
    }
    for (const char* option : {"", "no", "noload", "relatime", "size=1m", "exec,suid"}) {
        EXPECT_EQ(opposite_option(option), "") << option;
    }
}

constexpr const char* impossible = "not possible here: ";

/// Runs `body` in a process whose mounts are its own. Gives back what it says is wrong, if anything.
std::string with_own_mounts(const std::function<std::string()>& body) {
    int ends[2];
    if (::pipe2(static_cast<int*>(ends), O_CLOEXEC) != 0) {
        return "no pipe";
    }
    const pid_t child = ::fork();
    if (child == 0) {
        ::alarm(40);
        const bool ready =
            ::unshare(CLONE_NEWNS) == 0 && ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
        const std::string wrong = ready ? body() : impossible + std::string("a mount namespace");
        (void)!::write(ends[1], wrong.data(), wrong.size());
        ::_exit(0);
    }
    ::close(ends[1]);
    std::string wrong;
    char buffer[4096];
    for (ssize_t count = 0; (count = ::read(ends[0], static_cast<char*>(buffer), sizeof buffer)) > 0;) {
        wrong.append(static_cast<char*>(buffer), static_cast<std::size_t>(count));
    }
    ::close(ends[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? wrong : "the process with its own mounts did not end in time";
}

Mount mount_at(const std::string& target) {
    Mount found;
    for (const Mount& mount : *LinuxMounts().list()) {
        if (mount.target == target) {
            found = mount;
        }
    }
    return found;
}

std::string options_at(const std::string& target) {
    return fmt::format("{}", fmt::join(mount_at(target).options, ","));
}

class OwnMounts : public testing::Test {
protected:
    void SetUp() override {
        if (::geteuid() != 0) {
            GTEST_SKIP() << "only root can mount";
        }
        std::filesystem::create_directory(target);
    }

    static void expect_nothing_wrong(const std::string& wrong) {
        if (wrong.starts_with(impossible)) {
            GTEST_SKIP() << wrong;
        }
        EXPECT_EQ(wrong, "");
    }

    TemporaryFolder folder;
    std::string target = folder / "a mount";
};

TEST_F(OwnMounts, OneOptionChangesAndTheOthersStay) {
    expect_nothing_wrong(with_own_mounts([&]() -> std::string {
        LinuxMounts mounts;
        ::mount("below", target.c_str(), "tmpfs", MS_NOEXEC, "size=1m");
        ::mount("above", target.c_str(), "tmpfs", MS_NOEXEC | MS_NOSUID | MS_NOATIME | MS_NODIRATIME, "size=1m");
        const std::string before = options_at(target);
        const std::string program = target + "/program";
        std::ofstream(program) << "#!/bin/sh\nexit 7\n";
        ::chmod(program.c_str(), 0700);
        if (run_command({program, {}}).has_value()) {
            return "a program runs although " + before;
        }
        if (const auto done = mounts.remount(target, "exec"); !done) {
            return done.error().message;
        }
        const auto output = run_command({program, {}});
        if (!output || output->exit_code != 7) {
            return "the program does not run with exec";
        }
        if (options_at(target) != std::string(before).replace(before.find(",noexec"), 7, "")) {
            return before + " became " + options_at(target);
        }
        for (const char* option : {"ro", "rw", "noexec"}) {
            if (const auto done = mounts.remount(target, option); !done) {
                return done.error().message;
            }
            const bool writable = std::ofstream(target + "/f").is_open();
            if (writable != (std::string_view(option) != "ro")) {
                return std::string(option) + " has the wrong effect";
            }
        }
        if (options_at(target) != before) {
            return before + " became in the end " + options_at(target);
        }
        ::umount(target.c_str());
        return mount_at(target).source == "below" && options_at(target).find("noexec") != std::string::npos
                   ? ""
                   : "the mount below changed too";
    }));
}

TEST_F(OwnMounts, TheTimesThatAreKeptStayAsTheyAre) {
    expect_nothing_wrong(with_own_mounts([&]() -> std::string {
        for (const unsigned long times : {MS_STRICTATIME, MS_RELATIME, MS_NOATIME, MS_NODIRATIME}) {
            ::mount("x", target.c_str(), "tmpfs", MS_NODEV | times, "size=1m");
            const std::string before = options_at(target);
            for (const char* option : {"noexec", "exec"}) {
                if (const auto done = LinuxMounts().remount(target, option); !done) {
                    return done.error().message;
                }
            }
            if (options_at(target) != before) {
                return before + " became " + options_at(target);
            }
        }
        return "";
    }));
}

TEST_F(OwnMounts, WhatCannotBeRemountedIsAnError) {
    expect_nothing_wrong(with_own_mounts([&]() -> std::string {
        const auto kind = [](const std::string& place, const char* option) {
            const auto done = LinuxMounts().remount(place, option);
            return done ? -1 : static_cast<int>(done.error().kind);
        };
        ::mount("x", target.c_str(), "tmpfs", MS_RDONLY, "size=1m");
        if (kind(target, "rw") != static_cast<int>(ErrorKind::refused)) {
            return "a file system that is read-only itself was said to be made writable";
        }
        if (kind(target, "size=2m") != static_cast<int>(ErrorKind::unsupported)) {
            return "an option of the file system was accepted";
        }
        return kind(target + "/absent", "exec") == static_cast<int>(ErrorKind::not_found) ? "" : "no mount point there";
    }));
}

/// Ends a freeze after ten seconds, or when it is destroyed, whatever becomes of the test.
class Watchdog {
public:
    explicit Watchdog(int file_system) {
        if (::pipe(static_cast<int*>(ends_)) != 0 || (pid_ = ::fork()) != 0) {
            return;
        }
        ::close(ends_[1]);
        pollfd closed{ends_[0], POLLIN, 0};
        ::poll(&closed, 1, 10'000);
        ::ioctl(file_system, FITHAW, 0);
        ::_exit(0);
    }
    Watchdog(const Watchdog&) = delete;
    Watchdog& operator=(const Watchdog&) = delete;
    ~Watchdog() {
        ::close(ends_[0]);
        ::close(ends_[1]);
        ::waitpid(pid_, nullptr, 0);
    }

private:
    int ends_[2]{};
    pid_t pid_ = -1;
};

/// A process that the freeze lets wait; empty unless it is seen within five seconds.
std::string kernel_function_of(pid_t pid) {
    for (int i = 0; i < 50; ++i) {
        for (const Process& process : *LinuxProcesses().list()) {
            if (process.pid == static_cast<std::uint32_t>(pid) && !process.blocked_in.empty()) {
                return process.blocked_in;
            }
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    return {};
}

TEST_F(OwnMounts, AFrozenFileSystemIsThawedAndWhoWaitedGoesOn) {
    const std::string image = folder / "image";
    std::string seen;
    expect_nothing_wrong(with_own_mounts([&]() -> std::string {
        std::ofstream(image).close();
        std::filesystem::resize_file(image, 16 << 20);
        const auto made = run_command({"/usr/sbin/mkfs.ext4", {"-q", "-F", image}});
        const auto mounted = run_command({"/bin/mount", {"-o", "loop", image, target}});
        if (!made || !mounted || mounted->exit_code != 0) {
            return impossible + std::string("ext4 on a loop device");
        }
        std::string wrong;
        {
            const FileDescriptor root(::open(target.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
            const Watchdog watchdog(root.get());
            if (::ioctl(root.get(), FIFREEZE, 0) != 0) {
                return "cannot freeze";
            }
            const pid_t writer = ::fork();
            if (writer == 0) {
                std::ofstream(target + "/f") << "x";
                ::_exit(0);
            }
            const std::string function = kernel_function_of(writer);
            const auto thawed = LinuxMounts().thaw(target);
            wrong = !thawed ? thawed.error().message : function.empty() ? "nobody is seen to wait" : "";
            ::waitpid(writer, nullptr, 0);
            if (const auto again = LinuxMounts().thaw(target); !again) {
                wrong = "not frozen: " + again.error().message;
            }
            if (text_in(target + "/f") != "x") {
                wrong = "the writer did not go on";
            }
            std::ofstream(folder / "function") << function;
        }
        ::umount(target.c_str());
        return wrong;
    }));
    const std::string function = text_in(folder / "function");
    RecordProperty("blocked_in", function);
    std::cout << "a writer waits in " << function << "\n";
}

TEST(LinuxMounts, WhatCannotBeThawedIsAnError) {
    EXPECT_EQ(LinuxMounts().thaw("/no/such/place").error().kind, ErrorKind::not_found);
}

}  // namespace
}  // namespace machine::local::mounts_linux_test
