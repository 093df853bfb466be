#include "remediations/logs/event_evidence.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/remediations/logs/log_machine.hpp"

namespace remediations {
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
        if (query.channel == "Closed") return machine::Error{ErrorKind::access_denied, "access is denied", 5};
        if (query.channel == "Absent") return machine::Error{ErrorKind::not_found, "no such channel", 15007};
        std::vector<machine::Event> found;
        for (const auto& event : events) {
            if (machine::matches(query, event, testing::now)) found.push_back(event);
        }
        return found;
    }

    std::vector<machine::Event> events;
    mutable std::vector<machine::EventQuery> asked;
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
        result.facts.now = testing::now;
        result.events = std::make_unique<Events>();
        return result;
    }
};

machine::Event event(std::string provider, std::uint32_t id, std::chrono::minutes ago,
                     std::vector<std::string> data = {}) {
    return {"System", std::move(provider), id, testing::now - ago, std::move(data), 2};
}

TEST(EventEvidence, AsksEachChannelOnceForAllThatIsWanted) {
    EventMachine test;
    const EventEvidence evidence(test.machine, {{"System", "VSS", {1, 2}},
                                                {"system", "vss", {2, 3}},
                                                {"System", "volsnap", {25}},
                                                {"Application", "COM+", {4689}}});
    ASSERT_THAT(test.events->asked, SizeIs(2));
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

TEST(EventEvidence, AsksNothingOnLinux) {
    EventMachine test(machine::Platform::linux);
    const EventEvidence evidence(test.machine, {{"System", "VSS", {1}}});
    EXPECT_THAT(test.events->asked, IsEmpty());
    EXPECT_THAT(evidence.find({"System", "VSS", {1}}), IsEmpty());
}

TEST(EventEvidence, ShowsAnEventInOneLineWithoutSecrets) {
    const auto shown = evidence_of(event("Service Control Manager", 7034, std::chrono::minutes(0),
                                         {"RdAgent", " 3 ", "", "line one\nline two", std::string(5000, 'x')}),
                                   "none");
    EXPECT_EQ(shown.where, "event log System: Service Control Manager 7034");
    EXPECT_THAT(shown.seen, ::testing::StartsWith("2026-11-21 12:00:00Z RdAgent | 3 | line one line two | xxx"));
    EXPECT_LE(shown.seen.size(), 500U);
    const auto secret = evidence_of(event("x", 1, std::chrono::minutes(0), {"https://a/b?sig=abc%3D&x=1"}), "");
    EXPECT_THAT(secret.seen, ::testing::Not(HasSubstr("abc%3D")));
    EXPECT_NO_THROW(evidence_of(event("x", 1, std::chrono::minutes(0), {"\xFF\xFE\x01"}), ""));
}

}  // namespace
}  // namespace remediations
