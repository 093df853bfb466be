#include "remediations/knowledge/logs/event_evidence.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/remediations/knowledge/logs/log_machine.hpp"

namespace remediations::event_evidence_test {
namespace {

using machine::ErrorKind;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pointee;
using ::testing::SizeIs;

/// Answers what the test put into it, and remembers what was asked.
class Events : public machine::EventLog {
public:
    machine::Result<std::vector<machine::Event>> read(const machine::EventQuery& query) const override {
        asked.push_back(query);
        if (query.channel == "Closed") return machine::Error::access_denied("access is denied", 5);
        if (query.channel == "Absent") return machine::Error::not_found("no such channel", 15007);
        std::vector<machine::Event> found;
        for (const auto& event : events) {
            if (machine::matches(query, event, log_machine::now)) found.push_back(event);
        }
        return found;
    }

    std::vector<machine::Event> events;
    mutable std::vector<machine::EventQuery> asked;
};

/// Has one instance of SQL Server with a name, and one without.
class Instances : public machine::Registry {
public:
    machine::Result<machine::RegistryValue> value(const std::string&, const std::string&) const override {
        return none;
    }
    machine::Result<std::vector<std::string>> subkeys(const std::string&) const override { return none; }
    machine::Result<std::vector<std::string>> value_names(const std::string& key) const override {
        if (!key.ends_with("Instance Names\\SQL")) return none;
        return std::vector<std::string>{"MSSQLSERVER", "SHOP"};
    }
    machine::Result<void> set_value(const std::string&, const std::string&, const machine::RegistryValue&) override {
        return none;
    }
    machine::Result<void> remove_value(const std::string&, const std::string&) override { return none; }
    machine::Result<void> remove_key(const std::string&) override { return none; }

private:
    const machine::Error none = machine::Error::not_found("no such key", 2);
};

struct EventMachine {
    explicit EventMachine(machine::Platform platform = machine::Platform::windows) : machine(parts(platform)) {
        events = static_cast<Events*>(const_cast<machine::EventLog*>(&machine.events()));
    }

    machine::Machine machine;
    Events* events = nullptr;

private:
    static machine::MachineParts parts(machine::Platform platform) {
        machine::MachineParts result;
        result.facts.platform = platform;
        result.facts.now = log_machine::now;
        result.events = std::make_unique<Events>();
        result.registry = std::make_unique<Instances>();
        return result;
    }
};

machine::Event event(std::string provider, std::uint32_t id, std::chrono::minutes ago,
                     std::vector<std::string> data = {}) {
    return {"System", std::move(provider), id, log_machine::now - ago, std::move(data), 2};
}

TEST(EventEvidence, AsksEachChannelOnceForAllThatIsWanted) {
    EventMachine test;
    const EventEvidence evidence(test.machine, {{"System", "VSS", {1, 2}},
                                                {"system", "vss", {2, 3}},
                                                {"System", "volsnap", {25}},
                                                {"Application", "COM+", {4689}}});
    std::vector<std::string> providers;
    for (const auto& asked : test.events->asked) {
        for (const auto& source : asked.sources) {
            if (source.only_failures) providers.push_back(source.provider);
        }
    }
    EXPECT_THAT(providers, ::testing::IsSupersetOf({"VSS", "volsnap", "MSSQLSERVER", "MSSQL$SHOP"}));
    ASSERT_EQ(test.events->asked.size(), 4U);
    const auto& query = test.events->asked.front();
    EXPECT_EQ(query.channel, "System");
    EXPECT_EQ(query.sources, (std::vector<machine::EventSource>{{"VSS", {1, 2, 3}}, {"volsnap", {25}}}));
    EXPECT_EQ(query.newer_than, EventEvidence::age_limit);
}

TEST(EventEvidence, FindsByProviderAndIdWhateverTheCase) {
    EventMachine test;
    test.events->events = {event("VSS", 1, std::chrono::minutes(1)), event("volsnap", 1, std::chrono::minutes(2)),
                           event("VSS", 2, std::chrono::minutes(3)), event("VSS", 1, std::chrono::minutes(4))};
    const EventEvidence evidence(test.machine, {{"System", "VSS", {1, 2}}, {"System", "volsnap", {1}}});
    EXPECT_THAT(evidence.find({"SYSTEM", "vss", {1}}),
                ElementsAre(Pointee(test.events->events[0]), Pointee(test.events->events[3])));
    EXPECT_THAT(evidence.find({"System", "VSS", {1, 2}}), SizeIs(3));
}

TEST(EventEvidence, WhatNobodyLooksForIsAMistakeOfTheProgram) {
    EventMachine test;
    const EventEvidence evidence(test.machine, {{"System", "VSS", {1}}});
    EXPECT_THROW(evidence.find({"System", "VSS", {2}}), std::logic_error);
    EXPECT_THROW(evidence.find({"Application", "VSS", {1}}), std::logic_error);
}

TEST(EventEvidence, TellsAChannelThatCannotBeReadFromOneThatIsNotThere) {
    EventMachine test;
    const EventEvidence evidence(test.machine, {{"Closed", "x", {1}}, {"Absent", "x", {1}}});
    ASSERT_NE(evidence.unread("closed"), nullptr);
    EXPECT_EQ(evidence.unread("closed")->kind, ErrorKind::access_denied);
    EXPECT_EQ(evidence.unread("Absent"), nullptr);
    EXPECT_THAT(evidence.find({"Closed", "x", {1}}), IsEmpty());
    EXPECT_THAT(evidence.find({"Absent", "x", {1}}), IsEmpty());
}

TEST(EventEvidence, HasFailuresOfWhatWasAskedForByIdAndOfAllOthersOnce) {
    EventMachine test;
    test.events->events = {event("volsnap", 2, std::chrono::minutes(1), {"x", "F:"}),
                           event("volsnap", 25, std::chrono::minutes(2), {"x", "C:"})};
    const EventEvidence evidence(test.machine, {{"System", "volsnap", {25}}}, {{}, {}, log_machine::now});
    ASSERT_THAT(evidence.failures(), SizeIs(2));
    EXPECT_EQ(evidence.failures()[0].subject, "F:");
    EXPECT_EQ(evidence.failures()[1].count, 1U) << "it stands in both answers";
    EXPECT_THAT(evidence.unread_failures(), IsEmpty());
}

TEST(EventEvidence, AsksNothingOnLinux) {
    EventMachine test(machine::Platform::linux);
    const EventEvidence evidence(test.machine, {{"System", "VSS", {1}}});
    EXPECT_THAT(test.events->asked, IsEmpty());
    EXPECT_THAT(evidence.find({"System", "VSS", {1}}), IsEmpty());
}

TEST(EventEvidence, ProofIsTheNewestEventThatSaysAllOfIt) {
    const EventPattern failures{"System", "VSS", {11, 12292}};
    Remediation remediation;
    remediation.signals = {
        {.role = Role::proof, .event = failures, .with = {"65ee1dba-8ff4", "0x80080005"}, .without = {"harmless"}}};
    const auto told_by = [&](std::vector<std::string> data) {
        EventMachine test;
        test.events->events = {event("VSS", 11, std::chrono::minutes(1), std::move(data))};
        return EventEvidence(test.machine, {failures}).proof_for(remediation) != nullptr;
    };
    EXPECT_TRUE(told_by({"{65EE1DBA-8FF4}", "0x80080005, Fehler\r\n"})) << "in any case, in any value";
    EXPECT_TRUE(told_by({"0x800800050 0x80080005", "x65ee1dba-8ff4 65ee1dba-8ff4"})) << "the second one";
    EXPECT_FALSE(told_by({"{65ee1dba-8ff4}"}));
    EXPECT_FALSE(told_by({"{65ee1dba-8ff4}", "0x800800050"})) << "another number";
    EXPECT_FALSE(told_by({"{65ee1dba-8ff4}", "0x80080005", "Harmless"}));
    EXPECT_FALSE(told_by({}));

    EventMachine test;
    test.events->events = {event("VSS", 11, std::chrono::minutes(3), {"65ee1dba-8ff4", "0x80080005", "new"}),
                           event("VSS", 12292, std::chrono::minutes(9), {"65ee1dba-8ff4", "0x80080005", "old"})};
    const EventEvidence evidence(test.machine, {{"System", "VSS", {11, 12292}}});
    remediation.signals.push_back(proof({"System", "VSS", {12292}}));
    remediation.signals.push_back(proof(Log::agent, "a line is the log's to tell"));
    remediation.signals.push_back(judged({"System", "VSS", {1}}));
    EXPECT_THAT(evidence.proof_for(remediation), Pointee(test.events->events[0]));
}

TEST(EventEvidence, KnowsTheServiceOfAnEventByItsKey) {
    const auto of_manager = [](std::vector<std::string> data) {
        return service_of(event("Service Control Manager", 7000, std::chrono::minutes(1), std::move(data)));
    };
    EXPECT_EQ(of_manager({"Volumeschattenkopie", "%%1058", "560053005300"}), "VSS");
    EXPECT_EQ(of_manager({"Volume Shadow Copy", "%%1058", "56005300530000000000"}), "VSS");
    EXPECT_EQ(of_manager({"RdAgent", "3",
                          "52006400410067006500"
                          "6e0074002f0034000000"}),
              "RdAgent");
    for (const auto* other : {"%%1058", "", "5600530", "560053FF", "00", "0x80070005", "5600zz00", "56 053005300"}) {
        EXPECT_EQ(of_manager({"Volume Shadow Copy", other}), "") << other;
    }
    EXPECT_EQ(of_manager({"560053005300"}), "") << "a display name";
    EXPECT_EQ(of_manager({}), "");
    const std::vector<std::string> data = {"1058", "swprv", "", "{guid}"};
    const auto minute = std::chrono::minutes(1);
    EXPECT_EQ(service_of(event("Microsoft-Windows-DistributedCOM", 10005, minute, data)), "swprv");
    EXPECT_EQ(service_of(event("DCOM", 10005, minute, data)), "swprv");
    EXPECT_EQ(service_of(event("DCOM", 10016, minute, data)), "") << "says something else";
    EXPECT_EQ(service_of(event("VSS", 10005, minute, data)), "");
}

TEST(EventEvidence, ShowsAnEventInOneLineWithoutSecrets) {
    const auto shown = evidence_of(event("Service Control Manager", 7034, std::chrono::minutes(0),
                                         {"RdAgent", " 3 ", "", "line one\nline two", std::string(5000, 'x')}),
                                   "none");
    EXPECT_EQ(shown.where, "event log System: Service Control Manager 7034");
    EXPECT_THAT(shown.seen, ::testing::StartsWith("2026-11-21 12:00:00Z RdAgent | 3 | line one line two | xxx"));
    EXPECT_LE(shown.seen.size(), 4096U);
    EXPECT_GT(shown.seen.size(), 4000U) << "the reason is often the last word";
    const auto secret = evidence_of(event("x", 1, std::chrono::minutes(0), {"https://a/b?sig=abc%3D&x=1"}), "");
    EXPECT_THAT(secret.seen, ::testing::Not(HasSubstr("abc%3D")));
    EXPECT_NO_THROW(evidence_of(event("x", 1, std::chrono::minutes(0), {"\xFF\xFE\x01"}), ""));
}

}  // namespace
}  // namespace remediations::event_evidence_test
