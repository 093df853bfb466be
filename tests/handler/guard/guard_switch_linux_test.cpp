#include "handler/guard/guard_switch.hpp"

#include <gmock/gmock.h>

#include "handler/guard/guard_record.hpp"
#include "tests/handler/handler_folder.hpp"

namespace handler::guard_switch_linux_test {
namespace {

using machine::Result;
using machine::local::JobBy;
using machine::local::RecurringJob;
using test::TemporaryFolder;
namespace fs = std::filesystem;

class GuardSwitchTest : public testing::Test {
protected:
    GuardTools tools(const std::string& version = "1.0.0.0") {
        const auto program = root_.path() / ("program-" + version);
        test::write(program, "program of " + version);
        fs::permissions(program, fs::perms(0755));
        return {program, state_, version,
                [this](const RecurringJob& job) -> Result<JobBy> {
                    if (no_scheduler_) return machine::Error::unsupported("no scheduler");
                    job_ = job;
                    return JobBy::systemd_timer;
                },
                [this](const std::string&) -> Result<void> {
                    if (job_stays_) return machine::Error::failed("it stays");
                    job_.reset();
                    return {};
                }};
    }
    static GuardSettings wanted() {
        GuardSettings settings;
        settings.mode = GuardMode::repair;
        settings.every = std::chrono::hours(2);
        settings.handler_folder = "/agent/handler-1.0.0.0";
        return settings;
    }
    GuardSettings settings() const { return load_guard_settings(state_).value().value(); }
    std::string program() const { return test::read(guard_program(state_)); }

    TemporaryFolder root_;
    fs::path state_ = root_.path() / "state";
    std::optional<RecurringJob> job_;
    bool no_scheduler_ = false;
    bool job_stays_ = false;
};

TEST_F(GuardSwitchTest, OnPutsProgramSettingsAndJobInPlace) {
    ASSERT_TRUE(switch_guard_on(wanted(), tools()));
    EXPECT_EQ(program(), "program of 1.0.0.0");
    EXPECT_EQ(fs::status(guard_program(state_)).permissions(), fs::perms(0700));
    EXPECT_EQ(settings().version, "1.0.0.0");
    ASSERT_TRUE(job_);
    EXPECT_EQ(job_->program, guard_program(state_));
    EXPECT_EQ(job_->argument, guard_command);
    EXPECT_EQ(job_->every, std::chrono::hours(2));
}

TEST_F(GuardSwitchTest, OffLeavesTheJournalsAlone) {
    test::write(state_ / "runs" / "20261121T014907Z-0001" / "journal.jsonl", "{}\n");
    ASSERT_TRUE(switch_guard_on(wanted(), tools()));
    ASSERT_TRUE(switch_guard_off(tools()));
    EXPECT_FALSE(job_);
    EXPECT_FALSE(fs::exists(guard_folder(state_)));
    EXPECT_TRUE(fs::exists(state_ / "runs" / "20261121T014907Z-0001" / "journal.jsonl"));
    EXPECT_TRUE(switch_guard_off(tools()));
}

TEST_F(GuardSwitchTest, WithoutASchedulerNothingIsLeft) {
    no_scheduler_ = true;
    const auto on = switch_guard_on(wanted(), tools());
    ASSERT_FALSE(on);
    EXPECT_EQ(on.error().message, "no scheduler");
    EXPECT_FALSE(fs::exists(guard_folder(state_)));
}

TEST_F(GuardSwitchTest, AJobThatStaysKeepsTheRest) {
    ASSERT_TRUE(switch_guard_on(wanted(), tools()));
    job_stays_ = true;
    EXPECT_FALSE(switch_guard_off(tools()));
    EXPECT_EQ(settings().mode, GuardMode::repair);
}

TEST_F(GuardSwitchTest, AnUpdateReplacesTheProgramAndAnOlderOneNeverDoes) {
    ASSERT_TRUE(switch_guard_on(wanted(), tools("1.9.0.0")));
    ASSERT_TRUE(resume_guard("/agent/handler-1.10.0.0", tools("1.10.0.0")));
    EXPECT_EQ(program(), "program of 1.10.0.0");
    EXPECT_EQ(settings().handler_folder, "/agent/handler-1.10.0.0");

    ASSERT_TRUE(resume_guard("/agent/handler-1.9.0.0", tools("1.9.0.0")));
    EXPECT_EQ(program(), "program of 1.10.0.0");
    EXPECT_EQ(settings().version, "1.10.0.0");
    EXPECT_EQ(settings().handler_folder, "/agent/handler-1.9.0.0");
    ASSERT_TRUE(switch_guard_on(wanted(), tools("1.9.0.0")));
    EXPECT_EQ(program(), "program of 1.10.0.0");
}

TEST_F(GuardSwitchTest, ALostOrDamagedProgramComesBack) {
    ASSERT_TRUE(switch_guard_on(wanted(), tools()));
    test::write(guard_program(state_), "damaged");
    ASSERT_TRUE(resume_guard("/agent/handler-1.0.0.0", tools()));
    EXPECT_EQ(program(), "program of 1.0.0.0");
    fs::permissions(guard_program(state_), fs::perms(0600));
    ASSERT_TRUE(resume_guard("/agent/handler-1.0.0.0", tools()));
    EXPECT_EQ(fs::status(guard_program(state_)).permissions(), fs::perms(0700));
    // Even by an older one, where the newer one is gone.
    ASSERT_TRUE(resume_guard("/agent/handler-2.0.0.0", tools("2.0.0.0")));
    fs::remove(guard_program(state_));
    ASSERT_TRUE(resume_guard("/agent/handler-1.0.0.0", tools()));
    EXPECT_EQ(program(), "program of 1.0.0.0");
}

TEST_F(GuardSwitchTest, ALinkInPlaceOfTheProgramIsNotFollowed) {
    ASSERT_TRUE(switch_guard_on(wanted(), tools()));
    test::write(root_.path() / "other", "another's file");
    fs::remove(guard_program(state_));
    fs::create_symlink(root_.path() / "other", guard_program(state_));
    ASSERT_TRUE(resume_guard("/agent/handler-1.0.0.0", tools()));
    EXPECT_EQ(test::read(root_.path() / "other"), "another's file");
    EXPECT_TRUE(fs::is_regular_file(fs::symlink_status(guard_program(state_))));
}

TEST_F(GuardSwitchTest, DisableSuspendsAndEnableResumes) {
    ASSERT_TRUE(switch_guard_on(wanted(), tools()));
    ASSERT_TRUE(suspend_guard(state_));
    EXPECT_TRUE(settings().suspended);
    ASSERT_TRUE(resume_guard(wanted().handler_folder, tools()));
    EXPECT_FALSE(settings().suspended);
}

TEST_F(GuardSwitchTest, WhereThereIsNoneNothingIsMade) {
    ASSERT_TRUE(suspend_guard(state_));
    ASSERT_TRUE(resume_guard("/agent/handler-1.0.0.0", tools()));
    ASSERT_TRUE(switch_guard_off(tools()));
    EXPECT_FALSE(fs::exists(state_));
    EXPECT_FALSE(job_);
}

TEST_F(GuardSwitchTest, WhatItKnowsStaysUnlessSomebodyDecidesAnew) {
    ASSERT_TRUE(switch_guard_on(wanted(), tools()));
    GuardRecord record;
    record.seen = "something";
    ASSERT_TRUE(save_guard_record(state_, record));
    ASSERT_TRUE(switch_guard_on(wanted(), tools()));
    EXPECT_EQ(load_guard_record(state_), record);
    auto other = wanted();
    other.max_disruption = remediations::Disruption::workload;
    ASSERT_TRUE(switch_guard_on(other, tools()));
    EXPECT_EQ(load_guard_record(state_), GuardRecord{});

    ASSERT_TRUE(save_guard_record(state_, record));
    other.by_hand = true;
    ASSERT_TRUE(switch_guard_on(other, tools()));
    EXPECT_EQ(load_guard_record(state_), GuardRecord{});
}

TEST(GuardVersion, ComparesNumbers) {
    EXPECT_TRUE(is_older_version("1.9.0.0", "1.10.0.0"));
    EXPECT_FALSE(is_older_version("1.10.0.0", "1.9.0.0"));
    EXPECT_FALSE(is_older_version("1.0.0.0", "1.0.0.0"));
    EXPECT_TRUE(is_older_version("1.0", "1.0.0.1"));
    EXPECT_TRUE(is_older_version("", "1"));
    EXPECT_FALSE(is_older_version("x", ""));
}

}  // namespace
}  // namespace handler::guard_switch_linux_test
