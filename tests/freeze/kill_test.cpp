// Whichever process is killed, at whatever moment: nothing stays frozen.
#include <gmock/gmock.h>
#include <sys/prctl.h>
#include <sys/statvfs.h>

#include <cstdlib>
#include <fstream>
#include <random>

#include "tests/freeze/disks.hpp"

namespace freeze_test::kill_test {
namespace {

using machine::local::LinuxFreezer;

constexpr auto kernel_hurry = "/sys/kernel/rcu_expedited";

/// The watchers of a freezing process.
std::vector<pid_t> children_of(pid_t process) {
    std::ifstream file("/proc/" + std::to_string(process) + "/task/" + std::to_string(process) + "/children");
    return {std::istream_iterator<pid_t>(file), {}};
}

bool is_read_only(const std::string& mount_point) {
    struct statvfs status {};
    return ::statvfs(mount_point.c_str(), &status) == 0 && (status.f_flag & ST_RDONLY) != 0;
}

/// Of a watcher that its parent left to us (PR_SET_CHILD_SUBREAPER).
bool is_gone(pid_t watcher) {
    for (int i = 0; i < 1000; ++i) {
        if (::waitpid(watcher, nullptr, WNOHANG) == watcher || ::kill(watcher, 0) != 0) {
            return true;
        }
        std::this_thread::sleep_for(milliseconds(1));
    }
    return false;
}

class Killing : public testing::Test {
protected:
    Killing() {
        ::prctl(PR_SET_CHILD_SUBREAPER, 1);
        for (const char* kind : {"ext4", "xfs", "btrfs"}) {
            disks_.push_back(std::make_unique<Disk>(folder_.path(), kind, kind));
        }
        // A volume that was made for us, on LVM for instance.
        if (const char* device = std::getenv("FREEZE_TEST_DEVICE")) {
            disks_.push_back(std::make_unique<Disk>(device, folder_.path() / "volume"));
        }
        for (const auto& disk : disks_) {
            targets_.push_back(disk->target());
            writers_.push_back(std::make_unique<Writer>(disk->path()));
        }
    }

    ~Killing() override {
        if (text_in(kernel_hurry) != hurry_before_) {
            std::ofstream(kernel_hurry) << hurry_before_;
        }
    }

    static bool waits(const std::unique_ptr<Writer>& writer) { return writer->waits_for(milliseconds(30)); }
    bool something_is_frozen() const { return std::ranges::any_of(writers_, waits); }
    bool everything_is_frozen() const { return std::ranges::all_of(writers_, waits); }

    enum class Since { start, everything_frozen };

    /// Freezes for `hold`, kills one of the three after `delay`, and tells whether something was frozen then.
    bool kill_one(int victim, Since since, milliseconds delay, milliseconds hold) {
        const machine::FreezeLimits limits{.frozen = std::chrono::seconds(2), .hold = hold};
        Child process([&] { return LinuxFreezer().freeze_and_thaw(targets_, limits) ? 0 : 1; });
        while (since == Since::everything_frozen && !everything_is_frozen() && !process.ends_within(milliseconds(0))) {
            std::this_thread::sleep_for(milliseconds(1));
        }
        std::this_thread::sleep_for(delay);
        const bool frozen = something_is_frozen();
        const auto watchers = children_of(process.pid());
        if (victim == 0) {
            process.signal(SIGKILL);
        } else if (watchers.size() == 2) {
            ::kill(watchers.at(static_cast<std::size_t>(victim) - 1), SIGKILL);
        } else {
            for (const pid_t child : watchers) ::kill(child, SIGKILL);
        }
        const auto killed_at = steady_clock::now();
        for (const auto& disk : disks_) {
            const auto left =
                std::chrono::ceil<milliseconds>(killed_at + std::chrono::seconds(1) - steady_clock::now());
            // One who was not killed while frozen may have to go on to its end first.
            if (is_writable(disk->path(), left + (frozen ? milliseconds(0) : hold))) continue;
            // A watcher that is killed in the very thaw of btrfs, see guarded_freeze.cpp.
            if (victim != 0 && is_read_only(disk->path())) continue;
            EXPECT_FALSE(disk->thaw()) << disk->path() << " stayed frozen: victim " << victim << " after "
                                       << delay.count() << " ms";
            EXPECT_TRUE(is_writable(disk->path(), std::chrono::seconds(20))) << "the computer is not that slow";
            ++slow_;
        }
        EXPECT_TRUE(process.ends_within(std::chrono::seconds(30)));
        for (const pid_t watcher : watchers) {
            EXPECT_TRUE(is_gone(watcher)) << "a watcher lives on";
        }
        EXPECT_EQ(text_in(kernel_hurry), hurry_before_);
        for (std::size_t i = 0; i < disks_.size(); ++i) {
            if (is_read_only(disks_[i]->path())) {
                EXPECT_FALSE(disks_[i]->thaw()) << "it stayed frozen";
                writers_[i].reset();
                disks_[i].reset();
                disks_[i] = std::make_unique<Disk>(folder_.path(), "btrfs" + std::to_string(++read_only_), "btrfs");
                targets_[i] = disks_[i]->target();
                writers_[i] = std::make_unique<Writer>(disks_[i]->path());
            }
        }
        return frozen;
    }

    int read_only_ = 0;
    int slow_ = 0;  ///< not frozen, but not written to within the second either
    const TemporaryFolder folder_;
    const std::string hurry_before_ = text_in(kernel_hurry);
    std::vector<std::unique_ptr<Disk>> disks_;
    std::vector<std::unique_ptr<Writer>> writers_;
    std::vector<machine::FreezeTarget> targets_;
};

int tries() {
    const char* wanted = std::getenv("FREEZE_TEST_KILLS");
    return wanted ? std::atoi(wanted) : 200;
}

/// Half of the kills are spread over the whole of a rehearsal, half over the time that all is frozen.
TEST_F(Killing, AnyOneProcessAtAnyMomentLeavesNothingFrozen) {
    const auto seed = std::random_device()();
    std::mt19937 random(seed);
    const milliseconds hold(250);
    const auto begun = steady_clock::now();
    ASSERT_TRUE(LinuxFreezer().freeze_and_thaw(targets_, {.hold = hold}));
    const auto whole = std::chrono::duration_cast<milliseconds>(steady_clock::now() - begun);
    std::uniform_int_distribution<milliseconds::rep> in_whole(0, whole.count());
    std::uniform_int_distribution<milliseconds::rep> in_hold(0, hold.count());
    int while_frozen = 0;
    for (int attempt = 0; attempt < tries() && !HasFailure(); ++attempt) {
        const bool frozen = attempt % 2 == 0
                                ? kill_one(attempt % 3, Since::start, milliseconds(in_whole(random)), hold)
                                : kill_one(attempt % 3, Since::everything_frozen, milliseconds(in_hold(random)), hold);
        while_frozen += frozen ? 1 : 0;
    }
    std::cout << read_only_ << " times btrfs turned read-only\n"
              << tries() << " kills, " << while_frozen << " of them while something was frozen, " << slow_
              << " writes took more than a second for other reasons (seed " << seed << ")\n";
    EXPECT_GE(while_frozen, tries() / 3) << "most kills came too early or too late to prove anything";
}

TEST_F(Killing, BetweenTheShortFreezesOfARealRehearsal) {
    std::mt19937 random(std::random_device{}());
    const auto begun = steady_clock::now();
    ASSERT_TRUE(LinuxFreezer().freeze_and_thaw(targets_, {}));
    const auto whole = std::chrono::duration_cast<milliseconds>(steady_clock::now() - begun);
    std::uniform_int_distribution<milliseconds::rep> delay(0, whole.count());
    for (int attempt = 0; attempt < tries() / 2 && !HasFailure(); ++attempt) {
        kill_one(attempt % 3, Since::start, milliseconds(delay(random)), milliseconds(0));
    }
}

/// A control group (version 2) that can be ended as a whole.
class ControlGroup {
public:
    ControlGroup() {
        for (const std::string root : {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"}) {
            if (!std::filesystem::exists(root + "/cgroup.controllers")) continue;
            path_ = root + "/freeze-test-" + std::to_string(::getpid());
            std::filesystem::create_directory(path_);
        }
    }
    ControlGroup(const ControlGroup&) = delete;
    ControlGroup& operator=(const ControlGroup&) = delete;
    ~ControlGroup() {
        for (int i = 0; i < 1000 && !path_.empty() && ::rmdir(path_.c_str()) != 0; ++i) {
            std::this_thread::sleep_for(milliseconds(1));
        }
    }

    bool can_be_killed() const { return !path_.empty() && std::filesystem::exists(path_ + "/cgroup.kill"); }
    void enter() const { std::ofstream(path_ + "/cgroup.procs") << "0"; }
    void kill() const { std::ofstream(path_ + "/cgroup.kill") << "1"; }

private:
    std::string path_;
};

TEST_F(Killing, TheEndOfTheWholeControlGroupLeavesNothingFrozen) {
    const ControlGroup group;
    if (!group.can_be_killed()) GTEST_SKIP() << "no control groups of version 2 with cgroup.kill (Linux 5.14)";
    std::mt19937 random(std::random_device{}());
    std::uniform_int_distribution<milliseconds::rep> in_hold(0, 200);
    for (int attempt = 0; attempt < tries() / 10 && !HasFailure(); ++attempt) {
        Child process([&] {
            group.enter();
            return LinuxFreezer().freeze_and_thaw(targets_, {.hold = milliseconds(250)}) ? 0 : 1;
        });
        while (!everything_is_frozen() && !process.ends_within(milliseconds(0))) {
            std::this_thread::sleep_for(milliseconds(1));
        }
        const auto watchers = children_of(process.pid());
        std::this_thread::sleep_for(milliseconds(in_hold(random)));
        group.kill();
        for (const auto& disk : disks_) {
            EXPECT_TRUE(is_writable(disk->path(), std::chrono::seconds(2))) << disk->path() << " stayed frozen";
        }
        EXPECT_TRUE(process.ends_within(std::chrono::seconds(5)));
        for (const pid_t watcher : watchers) EXPECT_TRUE(is_gone(watcher)) << "a watcher lives on";
        EXPECT_EQ(text_in(kernel_hurry), hurry_before_);
    }
}

TEST_F(Killing, WhatAllThreeLeaveFrozenIsThawedByWhoComesNext) {
    const std::string marker = folder_.path() / "marker";
    const machine::local::KernelControls controls{.marker = marker};
    Child process(
        [&] { return LinuxFreezer(controls).freeze_and_thaw(targets_, {.hold = std::chrono::seconds(1)}) ? 0 : 1; });
    while (!everything_is_frozen() && !process.ends_within(milliseconds(0))) {
        std::this_thread::sleep_for(milliseconds(1));
    }
    EXPECT_THAT(*LinuxFreezer(controls).thaw_abandoned(), testing::IsEmpty()) << "it is at work";
    auto all = children_of(process.pid());
    ASSERT_EQ(all.size(), 2U);
    all.push_back(process.pid());
    // Stopped first, so that none sees the end of another.
    for (const pid_t pid : all) ::kill(pid, SIGSTOP);
    for (const pid_t pid : all) ::kill(pid, SIGKILL);
    EXPECT_TRUE(process.ends_within(std::chrono::seconds(5)));
    for (const pid_t pid : all) EXPECT_TRUE(is_gone(pid));
    ASSERT_TRUE(everything_is_frozen());

    const auto thawed = LinuxFreezer(controls).thaw_abandoned();
    ASSERT_TRUE(thawed) << thawed.error().message;
    EXPECT_EQ(thawed->size(), targets_.size());
    for (const auto& disk : disks_) {
        EXPECT_TRUE(is_writable(disk->path(), std::chrono::seconds(2))) << disk->path() << " stayed frozen";
    }
    EXPECT_EQ(text_in(kernel_hurry), hurry_before_);
    EXPECT_FALSE(std::filesystem::exists(marker));
    EXPECT_THAT(*LinuxFreezer(controls).thaw_abandoned(), testing::IsEmpty());
}

TEST_F(Killing, AFreezeOfSomebodyElseIsLeftAloneWhereNothingWasAbandoned) {
    const std::string marker = folder_.path() / "marker";
    ASSERT_TRUE(LinuxFreezer({.marker = marker}).freeze_and_thaw(targets_, {}));
    EXPECT_FALSE(std::filesystem::exists(marker));
    const FileDescriptor file(::open(disks_.front()->path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    ASSERT_EQ(::ioctl(file.get(), FIFREEZE, 0), 0);
    EXPECT_THAT(*LinuxFreezer({.marker = marker}).thaw_abandoned(), testing::IsEmpty());
    EXPECT_EQ(::ioctl(file.get(), FITHAW, 0), 0) << "it was frozen still";
}

}  // namespace
}  // namespace freeze_test::kill_test
