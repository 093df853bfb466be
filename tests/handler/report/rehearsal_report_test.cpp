#include "handler/report/rehearsal_report.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "handler/report/report_status.hpp"

namespace handler::rehearsal_report_test {
namespace {

namespace json = boost::json;
using remediations::FreezeRehearsal;
using remediations::RehearsedMount;
using remediations::State;
using std::chrono::microseconds;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
using Outcome = RehearsedMount::Outcome;

FreezeRehearsal failed() {
    FreezeRehearsal rehearsal{State::needs_operator, "1 file system cannot be frozen (/data)", "Repair /data", {}};
    rehearsal.mounts = {
        {"/data", "/dev/sdc1", "xfs", Outcome::not_freezable, "its disk has errors", "Repair /data", {}, {}, {}},
        {"/srv", "/dev/sdd1", "ext4", Outcome::freezable, "", "", microseconds(12'345), microseconds(900),
         microseconds(1'250)},
    };
    return rehearsal;
}

FreezeRehearsal in_state(State state) {
    auto rehearsal = failed();
    rehearsal.state = state;
    return rehearsal;
}

Status success() {
    return {StatusWord::success, 0, "Nothing to do in this VM: 9 checks found no cause of a failing backup.", {}};
}

TEST(RehearsalText, TellsEachMountPointAndWhatToDo) {
    EXPECT_EQ(rehearsal_text(failed(), {.width = 90}),
              "Freeze rehearsal: needs-operator\n"
              "  1 file system cannot be frozen (/data)\n"
              "\n"
              "  not-freezable   /data (xfs, /dev/sdc1): its disk has errors\n"
              "  freezable       /srv (ext4, /dev/sdd1): frozen for 1.2 ms, after 12.3 ms to write out\n"
              "                  what was dirty\n"
              "\n"
              "What to do next\n"
              "  Repair /data\n");
}

TEST(RehearsalText, IsNoWayIntoTheTerminal) {
    auto rehearsal = failed();
    rehearsal.mounts[0].mount_point = "/\x1b[2J";
    rehearsal.summary = "a\nb";
    const auto text = rehearsal_text(rehearsal, {});
    EXPECT_THAT(text, AllOf(HasSubstr("\\x1b"), HasSubstr("a\\nb"), Not(HasSubstr("\x1b"))));
}

TEST(RehearsalJson, HasTimesInMilliseconds) {
    auto rehearsal = failed();
    rehearsal.mounts[0].mount_point = "/\xff";
    const auto document = json::parse(rehearsal_json(rehearsal)).as_object();
    EXPECT_EQ(document.at("schema"), 1);
    EXPECT_EQ(document.at("state"), "needs-operator");
    const auto& mounts = document.at("mounts").as_array();
    EXPECT_EQ(mounts.at(0).at("mountPoint"), "/\xef\xbf\xbd");
    EXPECT_EQ(mounts.at(0).at("outcome"), "not-freezable");
    EXPECT_DOUBLE_EQ(mounts.at(1).at("syncMs").as_double(), 12.345);
    EXPECT_DOUBLE_EQ(mounts.at(1).at("freezeMs").as_double(), 0.9);
    EXPECT_DOUBLE_EQ(mounts.at(1).at("frozenMs").as_double(), 1.25);
}

TEST(RehearsalStatus, BeginsWithWhatToDo) {
    auto status = success();
    add_rehearsal(status, failed(), false);
    EXPECT_EQ(status.status, StatusWord::success);
    EXPECT_THAT(status.message,
                StartsWith("Action needed: Repair /data. Cause: freeze rehearsal: 1 file system cannot be frozen "
                           "(/data). Nothing to do"));
    const auto& substatus = status.substatus.at(0);
    EXPECT_EQ(substatus.name, "freeze-rehearsal");
    EXPECT_EQ(substatus.status, StatusWord::error);
    EXPECT_EQ(substatus.message,
              "needs-operator: 1 file system cannot be frozen (/data).\n"
              "/data: not-freezable (its disk has errors)\n"
              "/srv: freezable (frozen for 1.2 ms, after 12.3 ms to write out what was dirty)\n"
              "To do: Repair /data");
}

TEST(RehearsalStatus, ComesAfterACauseThatWasFound) {
    Status status{StatusWord::success, 0, "Action needed: Do this.", {}};
    add_rehearsal(status, failed(), false);
    EXPECT_THAT(status.message, StartsWith("Action needed: Do this. Then: Repair /data."));
}

TEST(RehearsalStatus, IsAnErrorOnlyWhereThatWasAskedFor) {
    auto status = success();
    add_rehearsal(status, failed(), true);
    EXPECT_EQ(status.status, StatusWord::error);
    EXPECT_EQ(status.code, static_cast<int>(StatusCode::unresolved));
    status = success();
    add_rehearsal(status, in_state(State::unknown), true);
    EXPECT_EQ(status.status, StatusWord::success);
    EXPECT_THAT(status.message, HasSubstr("Freeze rehearsal: 1 file system"));
    EXPECT_EQ(status.substatus.at(0).status, StatusWord::warning);
}

TEST(RehearsalStatus, SaysNothingMoreWhenAllIsWell) {
    auto status = success();
    add_rehearsal(status, in_state(State::healthy), true);
    EXPECT_EQ(status.message, success().message);
    EXPECT_EQ(status.substatus.at(0).status, StatusWord::success);
}

}  // namespace
}  // namespace handler::rehearsal_report_test
