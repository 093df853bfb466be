#include "remediations/knowledge/logs/event_failures.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "tests/remediations/knowledge/logs/log_machine.hpp"

namespace remediations::event_failures_test {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Kind = Reason::Kind;
using Time = std::chrono::system_clock::time_point;

const Time bad_run = log_machine::now - hours(1);
const Time good_run = bad_run - hours(24);
const Time older_good_run = good_run - hours(24);

BackupAttempt attempt(Time started, bool succeeded) {
    BackupAttempt run;
    run.started = started;
    run.ended = started + minutes(1);
    run.succeeded = succeeded;
    run.phase = BackupPhase::finished;
    return run;
}

/// Two good ones, a day apart, and one that failed.
BackupRuns runs() {
    return {{attempt(older_good_run, true), attempt(good_run, true), attempt(bad_run, false)}, {}, log_machine::now};
}

machine::Event event(std::string provider, std::uint32_t id, Time time, std::vector<std::string> data = {},
                     std::uint8_t level = 2) {
    const bool is_of_system = provider == "volsnap" || provider == "Service Control Manager";
    return {is_of_system ? "System" : "Application", std::move(provider), id, time, std::move(data), level};
}

std::vector<std::string> shown(const std::vector<Failure>& failures) {
    std::vector<std::string> all;
    for (const auto& each : failures) {
        all.push_back(each.quote.where + (each.is_noise ? " noise" : "") + (each.in_failed_run ? " in run" : ""));
    }
    return all;
}

TEST(EventFailures, SayWhoDidWhatOnWhatAndWhy) {
    const auto failures =
        failures_among({event("VSS", 12293, bad_run + seconds(20),
                              {"Routine details PreFinalCommitSnapshots", "0x80042314, text\r\n",
                               "\r\n\r\nOperation:\r\n   PostSnapshot Event\r\n\r\nContext:\r\n   Writer Class Id: "
                               "{a65faa63-5ea8-4ebc-9dbd-a0c4db26912a}\r\n   Writer Name: SqlServerWriter\r\n"})},
                       runs());
    ASSERT_THAT(failures, SizeIs(1));
    const auto& failure = failures.front();
    EXPECT_EQ(failure.layer, Layer::os_snapshot);
    EXPECT_EQ(failure.component, "VSS");
    EXPECT_EQ(failure.operation, "PostSnapshot Event");
    EXPECT_EQ(failure.subject, "SqlServerWriter");
    ASSERT_FALSE(failure.reasons.empty());
    EXPECT_EQ(failure.reasons.front().number, 0x80042314);
    EXPECT_EQ(failure.severity, Failure::Severity::error);
    EXPECT_EQ(failure.count, 1U);
    EXPECT_TRUE(failure.in_failed_run);
    EXPECT_FALSE(failure.is_noise);
    EXPECT_THAT(failure.quote.where, HasSubstr("VSS 12293"));
    EXPECT_THAT(failure.quote.seen, HasSubstr("Writer Name: SqlServerWriter"));
    EXPECT_EQ(failure.newest, bad_run + seconds(20));
}

TEST(EventFailures, OneShapeIsOneFailureWhateverItsNumbers) {
    const auto failures = failures_among({event("volsnap", 14, bad_run + seconds(5), {"a", "C:", "12"}),
                                          event("volsnap", 14, bad_run + seconds(9), {"a", "C:", "13"}),
                                          event("volsnap", 14, bad_run + seconds(9), {"a", "D:", "13"})},
                                         runs());
    ASSERT_THAT(failures, SizeIs(2)) << "another volume is another failure";
    const auto of_c = std::ranges::find(failures, "C:", &Failure::subject);
    ASSERT_NE(of_c, failures.end());
    EXPECT_EQ(of_c->count, 2U);
    EXPECT_EQ(of_c->first, bad_run + seconds(5));
    EXPECT_EQ(of_c->newest, bad_run + seconds(9));
    EXPECT_THAT(of_c->times, SizeIs(2));
}

TEST(EventFailures, WhatGoodRunsShowTooIsNoise) {
    const auto in_all = std::vector{event("VSS", 8220, good_run + seconds(7)), event("VSS", 20, good_run + seconds(7)),
                                    event("VSS", 20, bad_run + seconds(7)), event("VSS", 12366, bad_run + seconds(7))};
    EXPECT_THAT(shown(failures_among(in_all, runs())),
                testing::UnorderedElementsAre("event log Application: VSS 20 noise in run",
                                              "event log Application: VSS 12366 in run"));
}

TEST(EventFailures, WhatHappensBetweenGoodRunsIsNoise) {
    const auto before_good = good_run - hours(5);
    EXPECT_THAT(shown(failures_among({event("VSS", 20, before_good), event("VSS", 20, bad_run + seconds(7))}, runs())),
                ElementsAre("event log Application: VSS 20 noise in run"));
    const auto before_bad = bad_run - hours(5);
    EXPECT_THAT(shown(failures_among({event("VSS", 20, before_bad), event("VSS", 20, bad_run + seconds(7))}, runs())),
                ElementsAre("event log Application: VSS 20 in run"));
}

TEST(EventFailures, OfAnEarlierFailedRunThatSucceededAfterwardsIsNoNoise) {
    auto known = runs();
    known.attempts[0].succeeded = false;
    const auto failures = failures_among(
        {event("VSS", 12298, older_good_run + seconds(5)), event("VSS", 12298, bad_run + seconds(5))}, known);
    EXPECT_THAT(shown(failures), ElementsAre("event log Application: VSS 12298 in run")) << "it comes and goes";
}

TEST(EventFailures, OutsideOfFailedRunsSayNothing) {
    EXPECT_THAT(failures_among({event("VSS", 20, bad_run - hours(2)), event("VSS", 20, bad_run + minutes(30)),
                                event("VSS", 20, good_run + seconds(1))},
                               runs()),
                IsEmpty());
    auto good = runs();
    good.attempts.pop_back();
    EXPECT_THAT(failures_among({event("VSS", 20, bad_run)}, good), IsEmpty()) << "another product's snapshot";
}

TEST(EventFailures, OfARunBeforeAGoodStatusAreHistory) {
    auto known = runs();
    known.success = bad_run + minutes(5);
    EXPECT_THAT(failures_among({event("VSS", 20, bad_run + seconds(5))}, known), IsEmpty());
}

TEST(EventFailures, ARunThatBrokeOffLastsAsLongAsAzureWaits) {
    auto known = runs();
    known.attempts.back().succeeded.reset();
    known.attempts.back().phase = BackupPhase::volume_snapshot;
    EXPECT_THAT(shown(failures_among({event("VSS", 12298, bad_run + minutes(50))}, known)),
                ElementsAre("event log Application: VSS 12298 in run"));
}

TEST(EventFailures, WithoutAnyRunThoseOfSnapshotsCountSinceTheLastGoodBackup) {
    BackupRuns none{{}, log_machine::now - hours(24), log_machine::now};
    const auto failures =
        failures_among({event("VSS", 20, log_machine::now - hours(2)), event("VSS", 22, log_machine::now - hours(30)),
                        event("volsnap", 2, log_machine::now - hours(2), {"x", "F:"}),
                        event("MSSQLSERVER", 3041, log_machine::now - hours(2), {"BACKUP DATABASE crm"}),
                        event("VSS", 8194, log_machine::now - hours(2), {"x", "0x80070005, Access is denied.\r\n"})},
                       none);
    EXPECT_THAT(shown(failures),
                testing::UnorderedElementsAre("event log Application: VSS 20", "event log System: volsnap 2",
                                              "event log Application: VSS 8194 noise"));
}

TEST(EventFailures, OtherProgramsAndServicesHaveNothingToDoWithIt) {
    const auto time = bad_run + seconds(5);
    const auto program = [&](const char* name) {
        return event("Application Error", 1000, time, {name, "1", "2", "ntdll.dll", "1", "2", "c0000005", "0"});
    };
    EXPECT_THAT(failures_among({program("notepad.exe"), program("w3wp.exe"),
                                event("Service Control Manager", 7031, time, {"Contoso Inventory", "4"}),
                                event("ESENT", 455, time, {"wuaueng.dll"}),
                                event("MsiInstaller", 11708, time, {"Product: Contoso -- Installation failed."}),
                                event("Contoso", 1, time)},
                               runs()),
                IsEmpty());
    const auto ours = failures_among(
        {program("VSSVC.exe"), program("IaaSBcdrExtension.exe"),
         event("Service Control Manager", 7034, time, {"Windows Azure Guest Agent", "1"}),
         event("Service Control Manager", 7000, time, {"Volumeschattenkopie", "%%1058", "560053005300"})},
        runs());
    ASSERT_THAT(ours, SizeIs(4));
    std::multiset<Layer> layers;
    for (const auto& failure : ours) layers.insert(failure.layer);
    EXPECT_THAT(layers,
                ElementsAre(Layer::guest_agent, Layer::backup_extension, Layer::os_snapshot, Layer::os_snapshot));
    for (const auto& failure : ours) {
        if (failure.subject == "VSS") {
            ASSERT_FALSE(failure.reasons.empty());
            EXPECT_EQ(failure.reasons.front().kind, Kind::win32);
            EXPECT_EQ(failure.reasons.front().number, 1058);
        }
        if (failure.subject == "VSSVC.exe") {
            ASSERT_FALSE(failure.reasons.empty());
            EXPECT_EQ(failure.reasons.front().number, 0xC0000005);
        }
    }
}

TEST(EventFailures, InformationIsNone) {
    EXPECT_THAT(failures_among({event("VSS", 8224, bad_run, {}, 4), event("VSS", 8224, bad_run, {}, 0)}, runs()),
                IsEmpty());
    const auto warning = failures_among({event("VSS", 8220, bad_run, {}, 3)}, runs());
    EXPECT_THAT(warning, SizeIs(1));
    EXPECT_EQ(warning.front().severity, Failure::Severity::warning);
}

TEST(EventFailures, NamedInstancesOfSqlServerAreSqlServer) {
    const auto failures =
        failures_among({event("MSSQL$SHOP", 3041, bad_run + seconds(5), {"BACKUP DATABASE crm"})}, runs());
    ASSERT_THAT(failures, SizeIs(1));
    EXPECT_EQ(failures.front().component, "SQL Server");
    EXPECT_EQ(failures.front().subject, "crm");
    bool is_asked = false;
    for (const auto& query : failure_queries({"SHOP"})) {
        for (const auto& source : query.sources) {
            EXPECT_TRUE(source.only_failures) << source.provider;
            EXPECT_THAT(source.ids, IsEmpty());
            is_asked = is_asked || source.provider == "MSSQL$SHOP";
        }
    }
    EXPECT_TRUE(is_asked);
}

TEST(EventFailures, AreBounded) {
    std::vector<machine::Event> many;
    for (int count = 0; count < 300; ++count) {
        many.push_back(event("VSS", 1000U + static_cast<std::uint32_t>(count), bad_run + seconds(1)));
    }
    for (int count = 0; count < 300; ++count) many.push_back(event("VSS", 1000, bad_run + seconds(1)));
    const auto failures = failures_among(many, runs());
    EXPECT_THAT(failures, SizeIs(most_failure_shapes));
    EXPECT_EQ(failures.front().count, 301U);
    EXPECT_THAT(failures.front().times, SizeIs(64));
}

}  // namespace
}  // namespace remediations::event_failures_test
