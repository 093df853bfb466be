#include "handler/guard/guard_policy.hpp"

#include <gmock/gmock.h>

#include "tests/handler/sample_report.hpp"

namespace handler::guard_policy_test {
namespace {

using machine::local::Computer;
using remediations::BackupAttempt;
using remediations::BackupSigns;
using remediations::Finding;
using remediations::Report;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using namespace std::chrono_literals;

const GuardTime noon{std::chrono::sys_days(std::chrono::year(2026) / 11 / 30) + 12h};
const Computer vm1{"vm1", "boot1", 10h};

GuardSettings repairing() {
    GuardSettings settings;
    settings.mode = GuardMode::repair;
    return settings;
}

GuardRecord looked_at(GuardTime time) {
    GuardRecord record;
    record.computer = vm1;
    record.looked = time;
    record.seen = "as usual";
    return record;
}

BackupSigns calm() {
    BackupSigns signs;
    signs.fingerprint = "as usual";
    return signs;
}

BackupAttempt backup(GuardTime started, std::optional<int> result) {
    BackupAttempt attempt;
    attempt.started = started;
    attempt.ended = started + 1min;
    attempt.result = result;
    if (result) attempt.succeeded = *result <= 1;
    return attempt;
}

Report with_backup(Report report, const BackupAttempt& attempt) {
    report.attempts.push_back(attempt);
    return report;
}

Report healthy_report() {
    return samples::report({samples::healthy(samples::agent_stopped), samples::healthy(samples::log_damaged)});
}

GuardRecord with_attempt(GuardTime time) {
    auto record = looked_at(time);
    const auto report = with_backup(samples::broken_report(), backup(time - 1h, 121));
    note_attempt(record, report.outcomes[0], report, time);
    record.find("agent-stopped")->run_id = "run1";
    return record;
}

TEST(GuardPolicy, LooksOnceSomethingHappened) {
    const auto record = looked_at(noon);
    EXPECT_EQ(reason_to_look(record, calm(), noon + 1h), std::nullopt);
    EXPECT_THAT(reason_to_look({}, calm(), noon).value_or(""), HasSubstr("nobody has looked"));

    auto signs = calm();
    signs.fingerprint = "another log";
    EXPECT_THAT(reason_to_look(record, signs, noon + 1h).value_or(""), HasSubstr("a backup ran"));
    signs = calm();
    signs.agent_trouble = "no process of the guest agent runs";
    EXPECT_EQ(reason_to_look(record, signs, noon + 1h), "no process of the guest agent runs");
    signs = calm();
    signs.newest_error = noon - 1s;
    EXPECT_EQ(reason_to_look(record, signs, noon + 1h), std::nullopt);
    signs.newest_error = noon + 1s;
    EXPECT_THAT(reason_to_look(record, signs, noon + 1h).value_or(""), HasSubstr("logged an error"));

    auto cut_short = record;
    cut_short.repairing = "agent-stopped";
    EXPECT_EQ(reason_to_look(cut_short, calm(), noon + 1h), "a repair was cut short");

    auto waiting = record;
    waiting.look_again = true;
    waiting.next_try = noon + 5h;
    EXPECT_EQ(reason_to_look(waiting, calm(), noon + 4h), std::nullopt);
    EXPECT_NE(reason_to_look(waiting, calm(), noon + 5h), std::nullopt);
}

TEST(GuardPolicy, RepairsTheRootCauseFirst) {
    auto first = samples::broken_agent();
    auto cause = samples::repairable(samples::cause("disk", "The disk", remediations::Layer::managed_disk),
                                     remediations::Disruption::none);
    auto report = samples::report({first, {&cause, Finding::broken("It is off.", {}, "Switch it on."), {}}});
    report.root_cause = &cause;
    const auto choice = choose_repair(looked_at(noon), repairing(), report, noon);
    ASSERT_NE(choice.outcome, nullptr);
    EXPECT_EQ(choice.outcome->remediation->id, "disk");
    EXPECT_THAT(choice.held_back, IsEmpty());
}

TEST(GuardPolicy, RepairsWithinItsLimitsAlone) {
    auto report = samples::broken_report();
    auto settings = repairing();
    settings.max_disruption = remediations::Disruption::none;
    EXPECT_EQ(choose_repair({}, settings, report, noon).outcome, nullptr);
    report.outcomes[0].finding.weight = remediations::Weight::risk;
    EXPECT_EQ(choose_repair({}, repairing(), report, noon).outcome, nullptr);
    report.outcomes[0].finding = Finding::needs_operator("Off.", {}, "Switch it on.");
    EXPECT_EQ(choose_repair({}, repairing(), report, noon).outcome, nullptr);
}

TEST(GuardPolicy, RepairsNothingThatFollowsFromSomethingElse) {
    auto origin = samples::cause("origin", "The origin", remediations::Layer::guest_agent);
    origin.consequences = {"agent-stopped"};
    auto report = samples::broken_report();
    report.outcomes.push_back({&origin, Finding::needs_operator("It is full.", {}, "Make room."), {}});
    EXPECT_EQ(choose_repair({}, repairing(), report, noon).outcome, nullptr);
}

TEST(GuardPolicy, TriesACauseOnceADay) {
    const auto record = with_attempt(noon);
    const auto early = choose_repair(record, repairing(), samples::broken_report(), noon + 23h);
    EXPECT_EQ(early.outcome, nullptr);
    EXPECT_THAT(early.held_back, ElementsAre(HasSubstr("came back")));
    EXPECT_EQ(early.next_try, noon + 24h);
    EXPECT_NE(choose_repair(record, repairing(), samples::broken_report(), noon + 24h).outcome, nullptr);
}

TEST(GuardPolicy, GivesUpAfterThreeInARow) {
    GuardRecord record;
    for (int day = 0; day < 3; ++day) {
        const auto report = samples::broken_report();
        ASSERT_NE(choose_repair(record, repairing(), report, noon + day * 24h).outcome, nullptr) << day;
        note_attempt(record, report.outcomes[0], report, noon + day * 24h);
    }
    const auto choice = choose_repair(record, repairing(), samples::broken_report(), noon + 1000h);
    EXPECT_EQ(choice.outcome, nullptr);
    EXPECT_THAT(choice.held_back, ElementsAre(HasSubstr("needs a person")));
    EXPECT_EQ(choice.next_try, GuardTime{});

    judge_treatments(record, with_backup(healthy_report(), backup(noon + 60h, 1)));
    EXPECT_NE(choose_repair(record, repairing(), samples::broken_report(), noon + 1000h).outcome, nullptr);
}

TEST(GuardPolicy, ThreeRepairsOfDifferentCausesInARowWaitForADay) {
    auto record = looked_at(noon);
    record.repairs_in_a_row = 3;
    record.last_repair = noon;
    const auto choice = choose_repair(record, repairing(), samples::broken_report(), noon + 1h);
    EXPECT_EQ(choice.outcome, nullptr);
    EXPECT_THAT(choice.held_back, ElementsAre(HasSubstr("3 repairs in a row")));
    EXPECT_NE(choose_repair(record, repairing(), samples::broken_report(), noon + 24h).outcome, nullptr);
}

TEST(GuardPolicy, AnOlderSuccessEndsNoStreak) {
    auto record = with_attempt(noon);
    record.repairs_in_a_row = 3;
    record.last_repair = noon + 2h;
    judge_treatments(record, with_backup(healthy_report(), backup(noon + 1h, 1)));
    EXPECT_EQ(record.repairs_in_a_row, 3U);
    judge_treatments(record, with_backup(healthy_report(), backup(noon + 3h, 1)));
    EXPECT_EQ(record.repairs_in_a_row, 0U);
}

TEST(GuardPolicy, ABackupProvesARepair) {
    auto record = with_attempt(noon);
    EXPECT_THAT(judge_treatments(record, healthy_report()), IsEmpty());
    EXPECT_THAT(judge_treatments(record, with_backup(healthy_report(), backup(noon - 1min, 1))), IsEmpty());

    const auto verdicts = judge_treatments(record, with_backup(healthy_report(), backup(noon + 1h, 1)));
    ASSERT_THAT(verdicts, SizeIs(1));
    EXPECT_EQ(verdicts[0].state, Treatment::State::proven);
    EXPECT_EQ(verdicts[0].run_id, "run1");
    EXPECT_EQ(verdicts[0].backup, "the backup of 2026-11-30T13:00:00Z");
    EXPECT_EQ(record.find("agent-stopped")->in_a_row, 0U);
    EXPECT_EQ(record.repairs_in_a_row, 0U);
    EXPECT_THAT(judge_treatments(record, with_backup(healthy_report(), backup(noon + 2h, 1))), IsEmpty());
}

TEST(GuardPolicy, TheSameFailureShowsThatARepairDidNotHeal) {
    for (const bool found_again : {true, false}) {
        auto record = with_attempt(noon);
        const auto report =
            with_backup(found_again ? samples::broken_report() : healthy_report(), backup(noon + 1h, 121));
        const auto verdicts = judge_treatments(record, report);
        ASSERT_THAT(verdicts, SizeIs(1)) << found_again;
        EXPECT_EQ(verdicts[0].state, Treatment::State::not_healed);

        const auto choice = choose_repair(record, repairing(), samples::broken_report(), noon + 100h);
        EXPECT_EQ(choice.outcome, nullptr);
        EXPECT_EQ(choice.next_try, GuardTime{});
        auto other = samples::broken_report();
        other.outcomes[0].finding.summary = "Service walinuxagent is masked.";
        EXPECT_NE(choose_repair(record, repairing(), other, noon + 100h).outcome, nullptr);
        // Backups succeed, and then it is so once more.
        judge_treatments(record, with_backup(healthy_report(), backup(noon + 2h, 1)));
        EXPECT_EQ(record.find("agent-stopped")->state, Treatment::State::not_healed);
        EXPECT_NE(choose_repair(record, repairing(), samples::broken_report(), noon + 100h).outcome, nullptr);
    }
}

TEST(GuardPolicy, AnotherFailureSaysNothingOfARepair) {
    auto record = with_attempt(noon);
    EXPECT_THAT(judge_treatments(record, with_backup(healthy_report(), backup(noon + 1h, 306))), IsEmpty());
    auto report = with_backup(healthy_report(), backup(noon + 1h, 121));
    report.root_cause = &samples::log_damaged;
    EXPECT_THAT(judge_treatments(record, report), IsEmpty());
    EXPECT_EQ(record.find("agent-stopped")->state, Treatment::State::waiting);
}

TEST(GuardPolicy, ABackupThatRunsSaysNothingYet) {
    auto record = with_attempt(noon);
    EXPECT_THAT(judge_treatments(record, with_backup(healthy_report(), backup(noon + 1h, std::nullopt))), IsEmpty());
}

TEST(GuardPolicy, NumbersAreNoNewEvidence) {
    auto finding = samples::broken_agent().finding;
    finding.summary = "Process 812 hangs since 01:49.";
    const auto shape = shape_of(finding);
    finding.summary = "Process 4 hangs since 13:02.";
    EXPECT_EQ(shape_of(finding), shape);
    finding.summary = "Process 4 is stopped since 13:02.";
    EXPECT_NE(shape_of(finding), shape);
}

TEST(GuardPolicy, AnotherComputerStartsAfresh) {
    const auto record = with_attempt(noon);
    EXPECT_EQ(record_for_today(record, {"vm2", "boot2", 1h}, noon + 1h), GuardRecord{});
    EXPECT_EQ(record_for_today(record, {"vm1", "boot2", 1h}, noon + 1h), record);
    EXPECT_EQ(record_for_today(record, {"", "boot2", 1h}, noon + 1h), record);
}

TEST(GuardPolicy, AClockThatWasSetLetsWaitingBeginAnew) {
    const auto record = with_attempt(noon);
    // An hour has passed by both clocks.
    EXPECT_EQ(record_for_today(record, {"vm1", "boot1", 11h}, noon + 1h), record);
    for (const auto now : {noon - 48h, noon + 48h}) {
        const auto today = record_for_today(record, {"vm1", "boot1", 11h}, now);
        EXPECT_EQ(today.looked, now);
        EXPECT_TRUE(today.look_again);
        const auto choice = choose_repair(today, repairing(), samples::broken_report(), now + 23h);
        EXPECT_EQ(choice.outcome, nullptr);
        EXPECT_EQ(today.find("agent-stopped")->in_a_row, 1U);
    }
    // Another start of the computer: who knows how long it was off.
    EXPECT_EQ(record_for_today(record, {"vm1", "boot2", 1h}, noon + 48h), record);
}

TEST(GuardPolicy, TellsWhatItDid) {
    auto record = with_attempt(noon);
    EXPECT_EQ(guard_text(repairing(), record),
              "repair, every 1 h. Last look 2026-11-30T12:00:00Z. Repaired: agent-stopped (run run1, the next backup "
              "proves it).");
    auto settings = repairing();
    settings.suspended = true;
    EXPECT_EQ(guard_text(settings, {}),
              "repair, every 1 h, suspended while the extension is disabled. It has not had to look yet.");
}

}  // namespace
}  // namespace handler::guard_policy_test
