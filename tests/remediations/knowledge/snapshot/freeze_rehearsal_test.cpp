#include "remediations/knowledge/snapshot/freeze_rehearsal.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <fstream>
#include <map>

#include "remediations/machine/recorded/capture.hpp"
#include "tests/temporary_folder.hpp"

namespace remediations::freeze_rehearsal_test {
namespace {

using machine::Error;
using machine::ErrorKind;
using machine::FreezeLimits;
using machine::FreezeReport;
using machine::FreezeTarget;
using machine::Result;
using std::chrono::microseconds;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;
using Outcome = RehearsedMount::Outcome;

namespace json = boost::json;

/// Says what a test wants, and keeps what it was asked.
class FakeFreezer final : public machine::Freezer {
public:
    Result<std::vector<machine::Process>> permission_listeners() const override { return listeners; }
    Result<std::string> device_holding(const machine::Path& path) const override {
        const auto found = devices.find(path);
        return found == devices.end() ? Result<std::string>("8:1") : found->second;
    }
    Result<std::unique_ptr<machine::FreezeLock>> lock(const machine::Path& file) override {
        locked.push_back(file);
        if (lock_error) return *lock_error;
        return std::unique_ptr<machine::FreezeLock>();
    }
    Result<std::vector<machine::Path>> thaw_abandoned() override { return abandoned; }
    Result<FreezeReport> freeze_and_thaw(const std::vector<FreezeTarget>& targets, const FreezeLimits&) override {
        if (failure) return *failure;
        FreezeReport report;
        for (const auto& target : targets) {
            frozen.push_back(target.mount_point + " " + target.device);
            auto& trial = report.trials.emplace_back();
            trial.mount_point = target.mount_point;
            trial.sync = sync;
            trial.freezing = microseconds(900);
            trial.frozen = microseconds(1200);
            if (const auto found = errors.find(target.mount_point); found != errors.end()) {
                trial.outcome = Error{found->second, "because of " + target.mount_point, 1};
            }
            trial.still_frozen = target.mount_point == still_frozen;
        }
        report.cut_short = cut_short;
        return report;
    }

    Result<std::vector<machine::Process>> listeners = std::vector<machine::Process>();
    std::map<std::string, Result<std::string>> devices;  ///< by path; every other path is on 8:1
    std::optional<Error> lock_error;
    std::optional<Error> failure;
    std::map<std::string, ErrorKind> errors;  ///< by mount point
    std::string still_frozen;
    std::string cut_short;
    microseconds sync{13'000};

    Result<std::vector<machine::Path>> abandoned = std::vector<machine::Path>();

    std::vector<std::string> locked;
    std::vector<std::string> frozen;
};

TEST(AbandonedRehearsal, IsToldWhereSomethingWasFrozen) {
    FakeFreezer freezer;
    EXPECT_EQ(end_abandoned_rehearsal(freezer), "");
    freezer.abandoned = std::vector<machine::Path>{"/data", "/srv"};
    EXPECT_EQ(end_abandoned_rehearsal(freezer),
              "A rehearsal that was ended by force had left /data, /srv frozen: thawed now.");
    freezer.abandoned = Error{ErrorKind::timed_out, "cannot thaw /data: no answer in time", 0};
    EXPECT_EQ(end_abandoned_rehearsal(freezer),
              "A rehearsal was ended by force and may have left a file system frozen: cannot thaw /data: no answer in "
              "time.");
}

json::object mount(std::string_view target, std::string_view source, std::string_view device,
                   std::string_view type = "ext4", std::string_view root = "/") {
    return {{"source", source}, {"target", target},  {"type", type},
            {"root", root},     {"options", {"rw"}}, {"device", device}};
}

class Rehearsing : public testing::Test {
protected:
    Result<FreezeRehearsal> try_rehearse(const RehearsalOptions& options = {}) {
        const tests::TemporaryFolder folder;
        const json::object facts = {
            {"schema", 1},
            {"system",
             {{"platform", platform_}, {"architecture", "x86_64"}, {"host_name", "vm1"}, {"now", 1795226400}}},
            {"complete", {"files", "services", "processes", "commands", "network"}},
            {"processes", processes_},
            {"mounts", mounts_}};
        std::ofstream(folder.path() / "facts.json") << facts;
        if (!configuration_.empty()) {
            std::filesystem::create_directories(folder.path() / "files/etc/azure");
            std::ofstream(folder.path() / "files/etc/azure/vmbackup.conf") << configuration_;
        }
        const auto machine = machine::recorded::load(folder.path());
        if (!machine) throw std::runtime_error(machine.error().message);
        return rehearse_freeze(options, *machine, freezer_);
    }
    FreezeRehearsal rehearse(const RehearsalOptions& options = {}) { return try_rehearse(options).value(); }

    static Outcome outcome_of(const FreezeRehearsal& rehearsal, std::string_view mount_point) {
        return std::ranges::find(rehearsal.mounts, mount_point, &RehearsedMount::mount_point)->outcome;
    }

    std::string platform_ = "linux";
    std::string configuration_;
    json::array processes_;
    json::array mounts_ = {mount("/", "/dev/sda1", "8:1"), mount("/data", "/dev/sdc1", "8:33", "xfs"),
                           mount("/data/deep", "/dev/sdd1", "8:49"), mount("/boot/efi", "/dev/sda15", "8:15", "vfat"),
                           mount("/run", "tmpfs", "0:23", "tmpfs")};
    FakeFreezer freezer_;
};

TEST_F(Rehearsing, FreezesWhatABackupDoesNewestMountFirst) {
    const auto rehearsal = rehearse();
    EXPECT_THAT(freezer_.frozen, ElementsAre("/data/deep 8:49", "/data 8:33"));
    EXPECT_THAT(freezer_.locked, ElementsAre("/etc/azure/MicrosoftRecoverySvcsSafeFreezeLock/SafeFreezeLockFile"));
    EXPECT_EQ(rehearsal.state, State::healthy);
    EXPECT_EQ(rehearsal.summary, "2 file systems were frozen and thawed, for 1.2 ms at most; left out: /");
    EXPECT_EQ(rehearsal.action, "");
    EXPECT_EQ(rehearsal.mounts.at(0).sync, freezer_.sync);
    EXPECT_EQ(rehearsal.mounts.at(0).frozen, microseconds(1200));
}

TEST_F(Rehearsing, LeavesTheSystemOutUnlessAskedFor) {
    freezer_.devices.emplace("/opt/state", "8:33");
    EXPECT_EQ(rehearse({.system_paths = {"/opt/state"}}).state, State::healthy);
    EXPECT_THAT(freezer_.frozen, ElementsAre("/data/deep 8:49"));
    freezer_.frozen.clear();
    EXPECT_EQ(rehearse({.include_system = true, .system_paths = {"/opt/state"}}).state, State::healthy);
    EXPECT_THAT(freezer_.frozen, ElementsAre("/data/deep 8:49", "/data 8:33", "/ 8:1"));
}

TEST_F(Rehearsing, AnotherNameOfTheSystemIsTheSystem) {
    mounts_.push_back(mount("/mnt/root-again", "/dev/sda1", "8:1"));
    rehearse({.mount_points = {"/mnt/root-again", "/data/"}});
    EXPECT_THAT(freezer_.frozen, ElementsAre("/data 8:33"));
}

TEST_F(Rehearsing, SaysWhenOnlyTheSystemIsThere) {
    mounts_ = {mount("/", "/dev/sda1", "8:1")};
    const auto rehearsal = rehearse();
    EXPECT_EQ(rehearsal.state, State::unknown);
    EXPECT_THAT(rehearsal.summary, StartsWith("Nothing was rehearsed"));
    EXPECT_THAT(rehearsal.action, HasSubstr("--include-system"));
    EXPECT_THAT(freezer_.locked, IsEmpty());
}

TEST_F(Rehearsing, NeedsToKnowWhereTheSystemIs) {
    freezer_.devices.emplace("/opt/state", Error{ErrorKind::access_denied, "no", 13});
    EXPECT_EQ(rehearse({.system_paths = {"/opt/state"}}).state, State::unknown);
    EXPECT_THAT(freezer_.frozen, IsEmpty());
}

TEST_F(Rehearsing, FreezesAFileSystemOnceHoweverOftenItIsMounted) {
    mounts_.push_back(mount("/export/data", "/dev/sdc1", "8:33", "xfs", "/"));
    const auto rehearsal = rehearse({.mount_points = {"/data", "/export/data"}});
    EXPECT_THAT(freezer_.frozen, ElementsAre("/export/data 8:33"));
    EXPECT_EQ(rehearsal.mounts.at(1).reason, "the same file system as /export/data");
}

TEST_F(Rehearsing, LeavesOutWhatTheConfigurationSkips) {
    configuration_ = "[SnapshotThread]\nMountsToSkip = /data/deep,/\n";
    const auto rehearsal = rehearse({.include_system = true});
    EXPECT_THAT(freezer_.frozen, ElementsAre("/data 8:33", "/ 8:1")) << "the extension cannot skip /";
    EXPECT_EQ(outcome_of(rehearsal, "/data/deep"), Outcome::left_out);
}

TEST_F(Rehearsing, TakesTheMountPointsOfTheCommandLine) {
    EXPECT_EQ(rehearse({.mount_points = {"/run", "/data/deep"}}).state, State::healthy);
    EXPECT_THAT(freezer_.frozen, ElementsAre("/run 0:23", "/data/deep 8:49"));
    const auto wrong = try_rehearse({.mount_points = {"/date"}});
    ASSERT_FALSE(wrong);
    EXPECT_EQ(wrong.error().kind, ErrorKind::invalid);
    EXPECT_EQ(wrong.error().message, "/date is not a mount point");
}

TEST_F(Rehearsing, IsRefusedWhileABackupRuns) {
    processes_.push_back(json::object{{"pid", 812}, {"parent", 1}, {"name", "safefreeze"}});
    const auto rehearsal = rehearse();
    EXPECT_EQ(rehearsal.state, State::unknown);
    EXPECT_THAT(rehearsal.summary, HasSubstr("safefreeze (pid 812)"));
    EXPECT_THAT(freezer_.frozen, IsEmpty());
}

TEST_F(Rehearsing, IsRefusedWhileAnotherProgramFreezes) {
    freezer_.lock_error = Error{ErrorKind::refused, "it is locked by process 9", 0};
    const auto rehearsal = rehearse();
    EXPECT_EQ(rehearsal.state, State::unknown);
    EXPECT_THAT(rehearsal.summary, HasSubstr("it is locked by process 9"));
    EXPECT_THAT(freezer_.frozen, IsEmpty());
}

TEST_F(Rehearsing, IsRefusedWhereAProcessDecidesAboutAccess) {
    machine::Process process;
    process.pid = 77;
    process.name = "fapolicyd";
    freezer_.listeners = std::vector{process};
    auto rehearsal = rehearse();
    EXPECT_EQ(rehearsal.state, State::unknown);
    EXPECT_THAT(rehearsal.summary, HasSubstr("fapolicyd (pid 77)"));
    EXPECT_THAT(rehearsal.action, HasSubstr("Stop fapolicyd (pid 77)"));
    freezer_.listeners = Error{ErrorKind::access_denied, "cannot see", 13};
    rehearsal = rehearse();
    EXPECT_EQ(rehearsal.state, State::unknown);
    EXPECT_THAT(freezer_.frozen, IsEmpty());
}

TEST_F(Rehearsing, SaysWhatCannotBeFrozenAndWhichSettingHelps) {
    configuration_ = "[SnapshotThread]\nMountsToSkip = /old\n";
    freezer_.errors = {{"/data", ErrorKind::failed}};
    const auto rehearsal = rehearse();
    EXPECT_EQ(rehearsal.state, State::needs_operator);
    EXPECT_EQ(rehearsal.summary,
              "1 file system cannot be frozen (/data); 1 file system was frozen and thawed, for 1.2 ms at most; left "
              "out: /");
    EXPECT_EQ(rehearsal.action,
              "To back up without freezing it, set MountsToSkip = /old,/data in [SnapshotThread] of "
              "/etc/azure/vmbackup.conf.");
    EXPECT_EQ(outcome_of(rehearsal, "/data"), Outcome::not_freezable);
    EXPECT_EQ(outcome_of(rehearsal, "/data/deep"), Outcome::freezable);
}

TEST_F(Rehearsing, KnowsWhatEachErrorAsksFor) {
    const std::tuple<ErrorKind, State, std::string> cases[] = {
        {ErrorKind::refused, State::needs_operator, "fsfreeze --unfreeze /data"},
        {ErrorKind::unsupported, State::needs_operator, "MountsToSkip = /data"},
        {ErrorKind::timed_out, State::unknown, "dmesg"},
        {ErrorKind::access_denied, State::unknown, "as root"},
    };
    for (const auto& [kind, state, action] : cases) {
        freezer_.errors = {{"/data", kind}};
        const auto rehearsal = rehearse();
        EXPECT_EQ(rehearsal.state, state) << action;
        EXPECT_THAT(rehearsal.action, HasSubstr(action));
    }
    freezer_.errors = {{"/data", ErrorKind::failed}};
    freezer_.still_frozen = "/data";
    EXPECT_THAT(rehearse().action, StartsWith("Thaw it now: fsfreeze --unfreeze /data"));
}

TEST_F(Rehearsing, DoesNotSuggestToSkipTheRoot) {
    freezer_.errors = {{"/", ErrorKind::failed}};
    EXPECT_EQ(rehearse({.include_system = true}).action, "The extension cannot leave out /.");
}

TEST_F(Rehearsing, SaysWhenTheExtensionWouldNotWaitLongEnough) {
    freezer_.sync = std::chrono::seconds(31);
    const auto slow = rehearse();  // 3 + 31 + 31 s are just enough
    EXPECT_EQ(slow.state, State::healthy) << slow.action;
    configuration_ = "[SnapshotThread]\nSafeFreezeWaitInSeconds = 65\ntimeout = 300\n";
    const auto rehearsal = rehearse();
    EXPECT_EQ(rehearsal.state, State::needs_operator);
    EXPECT_THAT(rehearsal.action, AllOf(HasSubstr("Set SafeFreezeWaitInSeconds = 132 and timeout = 300"),
                                        HasSubstr("the freeze took 62 s"), HasSubstr("waits 64 s")));
}

TEST_F(Rehearsing, WhatWasCutShortIsNoProof) {
    freezer_.cut_short = "everything was thawed early";
    EXPECT_EQ(rehearse().state, State::unknown);
    freezer_.cut_short.clear();
    freezer_.failure = Error{ErrorKind::failed, "cannot keep this program in memory", 1};
    const auto rehearsal = rehearse();
    EXPECT_EQ(rehearsal.state, State::unknown);
    EXPECT_EQ(rehearsal.summary, "Nothing was frozen: cannot keep this program in memory");
}

TEST_F(Rehearsing, HasNothingToDoWithoutSuchFileSystems) {
    mounts_ = {mount("/", "overlay", "0:30", "overlay"), mount("/img", "/dev/loop3", "7:3")};
    EXPECT_EQ(rehearse().state, State::not_applicable);
    platform_ = "windows";
    EXPECT_EQ(rehearse().state, State::not_applicable);
}

}  // namespace
}  // namespace remediations::freeze_rehearsal_test
