// What can be tried without freezing anything; tests/freeze has the rest.
#include "remediations/machine/linux/freezer_linux.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/fanotify.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "remediations/machine/linux/file_descriptor.hpp"
#include "remediations/machine/linux/mounts_linux.hpp"
#include "tests/remediations/machine/temporary_folder.hpp"

namespace machine::local::freezer_linux_test {
namespace {

using testing::Contains;
using testing::Field;
using testing::HasSubstr;
using testing::Not;

constexpr std::string_view common = "pos:\t0\nflags:\t02\nmnt_id:\t15\nino:\t1057\n";

std::string group(std::string_view lines) {
    return std::string(common).append(lines);
}

TEST(PermissionListener, IsKnownByItsClass) {
    EXPECT_TRUE(asks_for_permission(group("fanotify flags:4 event-flags:0\n")));
    EXPECT_TRUE(asks_for_permission(group("fanotify flags:1b event-flags:8000\n")));
    EXPECT_FALSE(asks_for_permission(group("fanotify flags:0 event-flags:88004\n")));
    EXPECT_FALSE(asks_for_permission(group("fanotify flags:633 event-flags:0\n")));
}

TEST(PermissionListener, IsKnownByTheEventsOfItsMarks) {
    const std::string plain = group("fanotify flags:0 event-flags:0\n");
    EXPECT_TRUE(asks_for_permission(plain + "fanotify mnt_id:1b mflags:0 mask:10000 ignored_mask:0\n"));
    EXPECT_TRUE(asks_for_permission(plain + "fanotify sdev:800013 mflags:0 mask:20008 ignored_mask:0\n"));
    EXPECT_TRUE(asks_for_permission(plain + "fanotify ino:4f969 sdev:800013 mflags:0 mask:40000 ignored_mask:40000000 "
                                            "fhandle-bytes:8 fhandle-type:1 f_handle:69f90400c275b5b4\n"));
    EXPECT_FALSE(asks_for_permission(plain + "fanotify mnt_id:1b mflags:40 mask:3b ignored_mask:30000\n"));
}

TEST(PermissionListener, IsNothingElse) {
    EXPECT_FALSE(asks_for_permission(""));
    EXPECT_FALSE(asks_for_permission(common));
    EXPECT_FALSE(asks_for_permission("inotify wd:3 ino:9e7e sdev:800013 mask:800afce ignored_mask:0\n"));
    EXPECT_FALSE(asks_for_permission("fanotify flags:zz mask:\nfanotify"));
    EXPECT_FALSE(asks_for_permission(std::string(1 << 20, 'f')));
    EXPECT_FALSE(asks_for_permission(std::string("\0\xff\n fanotify flags:4", 19)));
}

TEST(LinuxFreezer, FindsPermissionListeners) {
    const auto mine = Contains(Field(&Process::pid, static_cast<std::uint32_t>(::getpid())));
    auto listeners = LinuxFreezer().permission_listeners();
    if (!listeners) GTEST_SKIP() << listeners.error().message;
    EXPECT_THAT(*listeners, Not(mine));

    const FileDescriptor plain(::fanotify_init(FAN_CLASS_NOTIF | FAN_CLOEXEC, O_RDONLY));
    if (!plain) GTEST_SKIP() << "no fanotify here";
    listeners = LinuxFreezer().permission_listeners();
    ASSERT_TRUE(listeners);
    EXPECT_THAT(*listeners, Not(mine));

    const FileDescriptor asked(::fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC, O_RDONLY));
    if (!asked) GTEST_SKIP() << "no fanotify permission events here";
    listeners = LinuxFreezer().permission_listeners();
    ASSERT_TRUE(listeners);
    EXPECT_THAT(*listeners, mine);
}

TEST(LinuxFreezer, KnowsWhatHoldsAPath) {
    const auto mounts = LinuxMounts().list();
    ASSERT_TRUE(mounts);
    const auto device_at = [&](const std::string& target) {
        std::string device;
        for (const auto& mount : *mounts) {
            if (mount.target == target) device = mount.device;
        }
        return device;
    };
    const LinuxFreezer freezer;
    EXPECT_EQ(freezer.device_holding("/").value(), device_at("/"));
    EXPECT_EQ(freezer.device_holding("/proc/self").value(), device_at("/proc"));
    EXPECT_EQ(freezer.device_holding("/proc/no/such/folder").value(), device_at("/proc"));
    EXPECT_EQ(freezer.device_holding("/no-such-folder/at/all").value(), device_at("/"));
}

class FreezerLock : public testing::Test {
protected:
    const TemporaryFolder folder_;
    const std::string file_ = folder_ / "made/lock";
    LinuxFreezer freezer_;
};

TEST_F(FreezerLock, LeavesNothingBehind) {
    {
        const auto lock = freezer_.lock(file_);
        ASSERT_TRUE(lock) << lock.error().message;
        EXPECT_TRUE(std::filesystem::exists(file_));
    }
    EXPECT_TRUE(folder_.is_empty());
}

TEST_F(FreezerLock, LeavesAFileThatWasThere) {
    folder_.file("made/lock", "theirs");
    { ASSERT_TRUE(freezer_.lock(file_)); }
    EXPECT_EQ(text_in(file_), "theirs");
}

TEST_F(FreezerLock, IsRefusedWhileAnotherProcessHasIt) {
    folder_.file("made/lock", "");
    int ready[2];
    ASSERT_EQ(::pipe(ready), 0);
    const pid_t holder = ::fork();
    if (holder == 0) {
        const int file = ::open(file_.c_str(), O_RDWR);
        struct flock lock {};
        lock.l_type = F_WRLCK;
        ::fcntl(file, F_SETLK, &lock);
        (void)!::write(ready[1], "x", 1);
        for (;;) ::pause();
    }
    char sign = 0;
    ASSERT_EQ(::read(ready[0], &sign, 1), 1);
    const auto refused = freezer_.lock(file_);
    ::kill(holder, SIGKILL);
    ::waitpid(holder, nullptr, 0);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, ErrorKind::refused);
    EXPECT_THAT(refused.error().message, HasSubstr("is locked by process " + std::to_string(holder)));
    EXPECT_TRUE(freezer_.lock(file_));
}

TEST_F(FreezerLock, FollowsNoLink) {
    folder_.file("elsewhere", "");
    std::filesystem::create_directory(folder_.path() / "made");
    std::filesystem::create_symlink(folder_ / "elsewhere", file_);
    EXPECT_FALSE(freezer_.lock(file_));
}

}  // namespace
}  // namespace machine::local::freezer_linux_test
