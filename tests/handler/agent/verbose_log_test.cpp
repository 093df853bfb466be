#include "handler/agent/verbose_log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "remediations/changes/journal.hpp"
#include "remediations/machine/recorded/capture.hpp"
#include "test_data.hpp"
#include "tests/capture_folder.hpp"
#include "tests/temporary_folder.hpp"

namespace handler::verbose_log_test {
namespace {

using machine::Result;
using remediations::Disruption;
using remediations::Journal;
using remediations::Report;
using remediations::RunOptions;
using std::chrono::system_clock;
using testing::HasSubstr;
using namespace std::chrono_literals;

constexpr auto configuration = "/etc/waagent.conf";

class VerboseLog : public testing::Test {
protected:
    Result<std::string> begin(Disruption most = Disruption::agent_restart) {
        return begin_verbose_log(state_.path(), until_, most, [this](const RunOptions& options) {
            return remediations::run(options, machine_, state_.path());
        });
    }
    Result<std::string> end(system_clock::time_point now) { return end_verbose_log(state_.path(), machine_, now); }
    std::string configured() const { return machine_.files().read(configuration).value(); }

    tests::TemporaryFolder state_;
    machine::Machine machine_ =
        machine::recorded::load(tests::CaptureFolder(TEST_DATA "/captures/linux/healthy").path()).value();
    system_clock::time_point until_ = std::chrono::floor<std::chrono::seconds>(system_clock::now()) + 2h;
    std::string before_ = configured();
};

TEST_F(VerboseLog, IsTakenBackWhenItsTimeIsOver) {
    EXPECT_FALSE(verbose_log_ends(state_.path()));
    EXPECT_EQ(end(system_clock::time_point::max()).value(), "");
    EXPECT_THAT(begin().value(), HasSubstr("then this is taken back by itself"));
    EXPECT_THAT(configured(), HasSubstr("Logs.Verbose=y"));
    EXPECT_EQ(verbose_log_ends(state_.path()), until_);

    EXPECT_EQ(end(until_ - 1s).value(), "");
    EXPECT_THAT(configured(), HasSubstr("Logs.Verbose=y"));
    EXPECT_EQ(end(until_).value(), "The guest agent's log is no longer verbose.");
    EXPECT_EQ(configured(), before_);
    EXPECT_FALSE(verbose_log_ends(state_.path()));
}

TEST_F(VerboseLog, KeepsItsTimeWhenItIsAskedForAgain) {
    ASSERT_TRUE(begin());
    const auto first = until_;
    until_ += 10h;
    EXPECT_THAT(begin().value(), HasSubstr("as it was"));
    EXPECT_EQ(verbose_log_ends(state_.path()), first);
    EXPECT_EQ(Journal::runs(state_.path()).size(), 1U);
}

TEST_F(VerboseLog, IsLeftAsItIsWhereItDisturbsTooMuch) {
    EXPECT_THAT(begin(Disruption::none).value(), HasSubstr("It was left as it is"));
    EXPECT_EQ(configured(), before_);
    EXPECT_FALSE(verbose_log_ends(state_.path()));
}

TEST_F(VerboseLog, IsNotTakenBackWhereSomebodyElseSwitchedItOn) {
    ASSERT_TRUE(machine_.files().write(configuration, before_ + "Logs.Verbose=y\n"));
    machine_.forget_derived();
    EXPECT_THAT(begin().value(), HasSubstr("It was left as it is"));
    EXPECT_EQ(end(until_).value(), "");
    EXPECT_THAT(configured(), HasSubstr("Logs.Verbose=y"));
}

TEST_F(VerboseLog, LeavesAloneWhatWasChangedSinceAndSaysSo) {
    ASSERT_TRUE(begin());
    ASSERT_TRUE(machine_.files().write(configuration, configured() + "# mine\n"));
    EXPECT_THAT(end(until_).value(), HasSubstr("Left alone: edit /etc/waagent.conf"));
    EXPECT_THAT(configured(), HasSubstr("# mine"));
    EXPECT_FALSE(verbose_log_ends(state_.path()));
}

/// Killed between the change and all that follows: the file was there before.
TEST_F(VerboseLog, SurvivesACrash) {
    const auto crash = [this](const RunOptions& options) -> Result<Report> {
        (void)remediations::run(options, machine_, state_.path());
        throw std::runtime_error("killed");
    };
    EXPECT_THROW((void)begin_verbose_log(state_.path(), until_, Disruption::agent_restart, crash), std::runtime_error);
    EXPECT_EQ(verbose_log_ends(state_.path()), until_);
    ASSERT_TRUE(end(until_));
    EXPECT_EQ(configured(), before_);
}

TEST_F(VerboseLog, ADamagedFileIsAnEnd) {
    ASSERT_TRUE(begin());
    std::ofstream(state_.path() / "verbose-log.json") << "{";
    EXPECT_THAT(end(system_clock::now()).value(), HasSubstr("no longer verbose"));
    EXPECT_EQ(configured(), before_);
}

}  // namespace
}  // namespace handler::verbose_log_test
