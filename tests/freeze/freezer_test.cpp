#include <gmock/gmock.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "tests/freeze/disks.hpp"

namespace freeze_test::freezer_test {
namespace {

using machine::ErrorKind;
using machine::FreezeLimits;
using machine::FreezeReport;
using machine::FreezeTarget;
using machine::local::KernelControls;
using machine::local::LinuxFreezer;
using testing::HasSubstr;

constexpr auto soon = milliseconds(1000);

FreezeReport freeze(const std::vector<FreezeTarget>& targets, const FreezeLimits& limits = {}) {
    auto report = LinuxFreezer().freeze_and_thaw(targets, limits);
    EXPECT_TRUE(report) << report.error().message;
    return report ? *report : FreezeReport{};
}

/// Freezes in a process of its own, which returns 0 where everything was as it should be.
Child freezes_apart(const std::vector<FreezeTarget>& targets, const FreezeLimits& limits,
                    const KernelControls& controls = {}) {
    return Child([=] {
        const auto report = LinuxFreezer(controls).freeze_and_thaw(targets, limits);
        if (!report) return 2;
        for (const auto& trial : report->trials) {
            if (!trial.outcome) return 3;
        }
        return report->cut_short.empty() ? 0 : 4;
    });
}

class FileSystems : public testing::TestWithParam<std::string> {
protected:
    const TemporaryFolder folder_;
    const Disk disk_{folder_.path(), "disk", GetParam()};
};
INSTANTIATE_TEST_SUITE_P(Freezing, FileSystems, testing::Values("ext3", "ext4", "xfs", "btrfs"),
                         [](const auto& parameter) { return parameter.param; });

TEST_P(FileSystems, AreFrozenAndThawed) {
    disk_.dirty(20);
    const auto report = freeze({disk_.target()});
    ASSERT_EQ(report.trials.size(), 1u);
    const auto& trial = report.trials.front();
    EXPECT_TRUE(trial.outcome) << trial.outcome.error().message;
    EXPECT_GT(trial.sync.count(), 0);
    EXPECT_GT(trial.freezing.count(), 0);
    EXPECT_GE(trial.frozen, trial.freezing);
    EXPECT_LT(trial.frozen, milliseconds(500));
    EXPECT_FALSE(trial.still_frozen);
    EXPECT_EQ(report.cut_short, "");
    EXPECT_FALSE(report.last_resort);
    EXPECT_TRUE(is_writable(disk_.path(), soon));
    EXPECT_FALSE(disk_.thaw()) << "it was still frozen";
}

TEST_P(FileSystems, AreFrozenWhileTheyAreHeld) {
    const Writer writer(disk_.path());
    writer.forget();
    const auto report = freeze({disk_.target()}, {.hold = milliseconds(400)});
    EXPECT_GE(report.trials.at(0).frozen, milliseconds(400));
    ASSERT_TRUE(is_writable(disk_.path(), soon));
    std::this_thread::sleep_for(milliseconds(20));
    EXPECT_GT(writer.longest_wait(), milliseconds(380));
    EXPECT_LT(writer.longest_wait(), milliseconds(900));
}

TEST_P(FileSystems, ReadOnlyIsNoHindrance) {
    must_run("/bin/mount", {"-o", "remount,ro", disk_.path()});
    EXPECT_TRUE(freeze({disk_.target()}).trials.at(0).outcome);
    must_run("/bin/mount", {"-o", "remount,rw", disk_.path()});
    EXPECT_TRUE(is_writable(disk_.path(), soon));
}

TEST_P(FileSystems, BelongToWhoFrozeThem) {
    ASSERT_TRUE(disk_.freeze());
    const auto report = freeze({disk_.target()});
    ASSERT_FALSE(report.trials.at(0).outcome);
    EXPECT_EQ(report.trials[0].outcome.error().kind, ErrorKind::refused);
    EXPECT_THAT(report.trials[0].outcome.error().message, HasSubstr("something else has frozen it already"));
    EXPECT_TRUE(disk_.thaw()) << "somebody else's freeze was ended";
}

TEST_P(FileSystems, AreThawedAtTheLimit) {
    const auto begun = steady_clock::now();
    const auto report = freeze({disk_.target()}, {.frozen = milliseconds(300), .hold = std::chrono::seconds(10)});
    EXPECT_LT(steady_clock::now() - begun, std::chrono::seconds(3));
    EXPECT_THAT(report.cut_short, HasSubstr("300 ms"));
    EXPECT_GT(report.trials.at(0).frozen, milliseconds(290));
    EXPECT_LT(report.trials.at(0).frozen, milliseconds(900));
    EXPECT_TRUE(is_writable(disk_.path(), soon));
}

TEST_P(FileSystems, AreThawedAtTheLimitWhenTheFreezingProcessIsStopped) {
    const Writer writer(disk_.path());
    auto process = freezes_apart({disk_.target()}, {.frozen = milliseconds(1500), .hold = std::chrono::seconds(10)});
    while (!writer.waits_for(milliseconds(100))) std::this_thread::sleep_for(milliseconds(1));
    process.signal(SIGSTOP);
    EXPECT_FALSE(is_writable(disk_.path(), milliseconds(300)));
    EXPECT_TRUE(is_writable(disk_.path(), std::chrono::seconds(2)));
    process.signal(SIGCONT);
    ASSERT_TRUE(process.ends_within(soon));
    EXPECT_EQ(process.exit_code(), 4) << "it should know that it was cut short";
}

class Freezing : public testing::Test {
protected:
    const TemporaryFolder folder_;
};

TEST_F(Freezing, SeveralAtATime) {
    const Disk ext4(folder_.path(), "ext4", "ext4");
    const Disk xfs(folder_.path(), "xfs", "xfs");
    const Disk btrfs(folder_.path(), "btrfs", "btrfs");
    const Writer first(ext4.path());
    const Writer last(btrfs.path());
    auto process = freezes_apart({ext4.target(), xfs.target(), btrfs.target()}, {.hold = milliseconds(500)});
    const auto deadline = steady_clock::now() + std::chrono::seconds(10);
    while (!first.waits_for(milliseconds(100)) || !last.waits_for(milliseconds(100))) {
        ASSERT_LT(steady_clock::now(), deadline) << "they are not frozen at the same time";
        std::this_thread::sleep_for(milliseconds(1));
    }
    ASSERT_TRUE(process.ends_within(std::chrono::seconds(2)));
    EXPECT_EQ(process.exit_code(), 0);
    for (const auto* disk : {&ext4, &xfs, &btrfs}) EXPECT_TRUE(is_writable(disk->path(), soon));
}

TEST_F(Freezing, ABindMountIsTheSameFileSystem) {
    const Disk disk(folder_.path(), "disk", "ext4");
    const auto elsewhere = folder_ / "elsewhere";
    std::filesystem::create_directory(elsewhere);
    must_run("/bin/mount", {"--bind", disk.path(), elsewhere});
    EXPECT_EQ(LinuxFreezer().device_holding(elsewhere).value(), disk.device());
    // A caller names it once; one who did not gets it thawed all the same.
    const auto report = freeze({disk.target(), {elsewhere, disk.device()}});
    EXPECT_TRUE(report.trials.at(0).outcome);
    EXPECT_FALSE(report.trials.at(1).outcome);
    EXPECT_TRUE(is_writable(elsewhere, soon));
    must_run("/bin/umount", {elsewhere});
}

TEST_F(Freezing, ABtrfsSubvolumeIsItsFileSystem) {
    const Disk disk(folder_.path(), "disk", "btrfs");
    must_run("/bin/btrfs", {"subvolume", "create", disk.path() + "/sub"});
    const auto elsewhere = folder_ / "elsewhere";
    std::filesystem::create_directory(elsewhere);
    must_run("/bin/mount", {"--bind", disk.path() + "/sub", elsewhere});
    EXPECT_EQ(LinuxFreezer().device_holding(elsewhere).value(), disk.device());
    EXPECT_TRUE(freeze({{elsewhere, disk.device()}}).trials.at(0).outcome);
    must_run("/bin/umount", {elsewhere});
}

TEST_F(Freezing, AMountPointThatLeadsElsewhereIsLeftAlone) {
    const Disk disk(folder_.path(), "disk", "ext4");
    const Disk other(folder_.path(), "other", "ext4");
    const Writer writer(disk.path());
    const auto report = freeze({{disk.path(), other.device()}}, {.hold = milliseconds(300)});
    ASSERT_FALSE(report.trials.at(0).outcome);
    EXPECT_THAT(report.trials[0].outcome.error().message, HasSubstr("leads to the file system " + disk.device()));
    EXPECT_LT(writer.longest_wait(), milliseconds(250));
    EXPECT_FALSE(freeze({{folder_ / "absent", "1:1"}}).trials.at(0).outcome);
}

TEST_F(Freezing, WhatCannotBeFrozenIsSaid) {
    const auto mount_point = folder_ / "memory";
    std::filesystem::create_directory(mount_point);
    must_run("/bin/mount", {"-t", "tmpfs", "tmpfs", mount_point});
    const auto device = LinuxFreezer().device_holding(mount_point).value();
    const auto report = freeze({{mount_point, device}});
    must_run("/bin/umount", {mount_point});
    ASSERT_FALSE(report.trials.at(0).outcome);
    EXPECT_EQ(report.trials[0].outcome.error().kind, ErrorKind::unsupported);
}

/// The image of `inner` lies on `outer`, so that freezing `outer` first makes freezing `inner` wait for it.
TEST_F(Freezing, TheOrderThatCannotWorkEndsAtTheLimit) {
    const Disk outer(folder_.path(), "outer", "ext4", 1000);
    const Disk inner(outer.path(), "inner", "ext4");
    EXPECT_TRUE(freeze({inner.target(), outer.target()}).cut_short.empty());

    const auto begun = steady_clock::now();
    const auto report = freeze({outer.target(), inner.target()}, {.frozen = milliseconds(500)});
    EXPECT_LT(steady_clock::now() - begun, std::chrono::seconds(3));
    EXPECT_NE(report.cut_short, "");
    EXPECT_TRUE(report.trials.at(0).outcome);
    EXPECT_TRUE(is_writable(outer.path(), soon));
    EXPECT_TRUE(is_writable(inner.path(), soon));
}

TEST_F(Freezing, ADiskThatDoesNotAnswerIsNotFrozen) {
    const Disk outer(folder_.path(), "outer", "ext4", 1000);
    const Disk inner(outer.path(), "inner", "ext4");
    inner.dirty(1);
    ASSERT_TRUE(outer.freeze());
    const auto begun = steady_clock::now();
    const auto report = freeze({inner.target()}, {.sync = milliseconds(500)});
    EXPECT_LT(steady_clock::now() - begun, std::chrono::seconds(2));
    EXPECT_TRUE(outer.thaw());
    ASSERT_FALSE(report.trials.at(0).outcome);
    EXPECT_EQ(report.trials[0].outcome.error().kind, ErrorKind::timed_out);
    EXPECT_TRUE(is_writable(inner.path(), soon));
}

TEST_F(Freezing, DirtyDataIsWrittenBefore) {
    const Disk disk(folder_.path(), "disk", "ext4", 1000);
    disk.dirty(256);
    const auto trial = freeze({disk.target()}).trials.at(0);
    ASSERT_TRUE(trial.outcome) << trial.outcome.error().message;
    EXPECT_LT(trial.frozen, trial.sync);
    EXPECT_LT(trial.frozen, milliseconds(200));
}

/// From here on FITHAW fails with EIO in this process and those it starts.
void break_thawing() {
    const sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_ioctl, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args[1])),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(FITHAW), 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EIO),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const sock_fprog filter = {std::size(program), const_cast<sock_filter*>(program)};
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0) != 0) {
        ::_exit(99);
    }
}

TEST_F(Freezing, TheLastResortIsUsedWhenThawingFails) {
    const Disk disk(folder_.path(), "disk", "ext4");
    KernelControls controls;
    controls.sysrq_trigger = folder_.file("sysrq-trigger", "");
    Child process([&] {
        break_thawing();
        const auto report = LinuxFreezer(controls).freeze_and_thaw({disk.target()}, {});
        // The filter hides from it that the kernel has thawed.
        return report && report->last_resort && report->trials.at(0).still_frozen ? 0 : 1;
    });
    const auto deadline = steady_clock::now() + std::chrono::seconds(5);
    while (text_in(controls.sysrq_trigger).empty() && steady_clock::now() < deadline) {
        std::this_thread::sleep_for(milliseconds(1));
    }
    EXPECT_EQ(text_in(controls.sysrq_trigger), "j");
    EXPECT_TRUE(disk.thaw()) << "as the kernel would have done";
    ASSERT_TRUE(process.ends_within(std::chrono::seconds(10)));
    EXPECT_EQ(process.exit_code(), 0);
}

/// Thaws everything on the computer, so it runs only where that was allowed: in tests/freeze/vm.
TEST_F(Freezing, TheKernelThawsAsTheLastResort) {
    if (std::getenv("FREEZE_TEST_SYSRQ") == nullptr) GTEST_SKIP() << "runs in tests/freeze/vm";
    const Disk disk(folder_.path(), "disk", "ext4");
    Child process([&] {
        break_thawing();
        const auto report = LinuxFreezer().freeze_and_thaw({disk.target()}, {});
        return report && report->last_resort ? 0 : 1;
    });
    ASSERT_TRUE(process.ends_within(std::chrono::seconds(10)));
    EXPECT_EQ(process.exit_code(), 0);
    EXPECT_TRUE(is_writable(disk.path(), soon));
}

TEST_F(Freezing, ALogicalVolume) {
    const char* device = std::getenv("FREEZE_TEST_DEVICE");
    if (device == nullptr) GTEST_SKIP() << "runs in tests/freeze/vm, where a kernel with device mapper is";
    const Disk volume(device, folder_.path() / "volume");
    const Disk disk(folder_.path(), "disk", "xfs");
    const auto report = freeze({volume.target(), disk.target()});
    EXPECT_TRUE(report.trials.at(0).outcome && report.trials.at(1).outcome);
    EXPECT_TRUE(is_writable(volume.path(), soon));
}

TEST_F(Freezing, TheKernelIsInAHurryOnlyWhileItFreezes) {
    const Disk disk(folder_.path(), "disk", "ext4");
    KernelControls controls;
    controls.rcu_normal = folder_.file("rcu_normal", "0\n");
    controls.rcu_expedited = folder_.file("rcu_expedited", "0\n");
    ASSERT_TRUE(LinuxFreezer(controls).freeze_and_thaw({disk.target()}, {}));
    EXPECT_EQ(text_in(controls.rcu_expedited), "10") << "on, then off";

    for (const auto& [expedited, normal] : {std::pair("1\n", "0\n"), std::pair("0\n", "1\n")}) {
        folder_.file("rcu_expedited", expedited);
        folder_.file("rcu_normal", normal);
        ASSERT_TRUE(LinuxFreezer(controls).freeze_and_thaw({disk.target()}, {}));
        EXPECT_EQ(text_in(controls.rcu_expedited), expedited) << "was left alone";
    }
}

}  // namespace
}  // namespace freeze_test::freezer_test
