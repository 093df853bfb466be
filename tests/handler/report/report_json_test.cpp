#include "handler/report/report_json.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "tests/handler/sample_report.hpp"

namespace handler::report_json_test {
namespace {

namespace json = boost::json;
using remediations::PlannedStep;
using remediations::State;

json::object parsed(const remediations::Report& report) {
    return json::parse(report_json(report)).as_object();
}

std::vector<std::string> keys(const json::object& object) {
    std::vector<std::string> names;
    for (const auto& member : object) names.emplace_back(member.key());
    return names;
}

TEST(ReportJson, HasTheShapeOfSchema1) {
    const auto document = parsed(samples::broken_report());
    EXPECT_EQ(document.at("schema"), 1);
    EXPECT_EQ(document.at("rootCause"), "agent-stopped");
    ASSERT_EQ(document.at("findings").as_array().size(), 3U);

    const auto& finding = document.at("findings").at(0).as_object();
    EXPECT_THAT(keys(finding), testing::ElementsAre("id", "layer", "state", "weight", "changesSecurity", "title",
                                                    "summary", "evidence", "action", "changes", "notUndoable"));
    EXPECT_EQ(finding.at("id"), "agent-stopped");
    EXPECT_EQ(finding.at("layer"), "guest-agent");
    EXPECT_EQ(finding.at("state"), "broken");
    EXPECT_EQ(finding.at("weight"), "cause");
    EXPECT_EQ(finding.at("title"), "The guest agent does not run");
    EXPECT_EQ(finding.at("summary"), "Service walinuxagent is stopped.");
    EXPECT_EQ(finding.at("evidence"),
              json::parse(R"([{"where":"service walinuxagent","seen":"stopped","expected":"running"}])"));
    EXPECT_EQ(finding.at("action"), "Start walinuxagent.");
    EXPECT_EQ(finding.at("changes"), json::array());
}

TEST(ReportJson, SaysNullWhereThereIsNoRootCauseAndNoRun) {
    const auto document = parsed(samples::report({samples::healthy(samples::agent_stopped)}));
    EXPECT_TRUE(document.at("rootCause").is_null());
    EXPECT_TRUE(document.at("runId").is_null());
    EXPECT_TRUE(document.at("undo").is_null());
    EXPECT_TRUE(document.at("errorCode").is_null());
}

TEST(ReportJson, NamesTheRunAndHowToTakeItBack) {
    auto report = samples::broken_report();
    report.mode = remediations::RunMode::fix;
    report.run_id = "20261121T014907Z-0001";
    report.outcomes[0].finding.state = State::fixed;
    report.outcomes[0].changes = {{"start service walinuxagent"}};
    const auto document = parsed(report);
    EXPECT_EQ(document.at("mode"), "fix");
    EXPECT_EQ(document.at("undo"), "backup-remediation undo 20261121T014907Z-0001");
    EXPECT_EQ(document.at("findings").at(0).at("state"), "fixed");
    EXPECT_EQ(document.at("findings").at(0).at("changes").at(0), "start service walinuxagent");
}

TEST(ReportJson, TellsWhatCannotBeUndoneAndWhatBecameOfEarlierRuns) {
    auto report = samples::broken_report();
    report.mode = remediations::RunMode::fix;
    report.run_id = "20261121T014907Z-0002";
    report.outcomes[0].changes = {{"run setup /install (installs)", PlannedStep::Undo::cannot}};
    report.notices = {"Run 20261121T014907Z-0001 was interrupted."};
    const auto document = parsed(report);
    EXPECT_EQ(document.at("findings").at(0).at("notUndoable"), json::array({"run setup /install (installs)"}));
    EXPECT_TRUE(document.at("undo").is_null());
    EXPECT_EQ(document.at("notices"), json::array({"Run 20261121T014907Z-0001 was interrupted."}));
}

TEST(ReportJson, SpellsEveryStateAndLayerAsDesigned) {
    const std::pair<State, std::string_view> states[] = {
        {State::healthy, "healthy"},
        {State::broken, "broken"},
        {State::fixed, "fixed"},
        {State::needs_approval, "needs-approval"},
        {State::needs_operator, "needs-operator"},
        {State::not_applicable, "not-applicable"},
        {State::unknown, "unknown"},
    };
    for (const auto& [state, word] : states) {
        auto outcome = samples::broken_agent();
        outcome.finding.state = state;
        EXPECT_EQ(parsed(samples::report({outcome})).at("findings").at(0).at("state").as_string(), word);
    }
    const std::string_view layers[] = {"guest-agent",  "backup-extension", "os-snapshot",
                                       "managed-disk", "network",          "vault"};
    for (const auto layer : remediations::all_layers) {
        auto remediation = samples::agent_stopped;
        remediation.layer = layer;
        EXPECT_EQ(parsed(samples::report({samples::healthy(remediation)})).at("findings").at(0).at("layer").as_string(),
                  layers[static_cast<std::size_t>(layer)]);
    }
}

TEST(ReportJson, StaysValidWithHostileEvidence) {
    auto report = samples::broken_report();
    report.outcomes[0].finding.evidence = {
        {"/var/log/\xFFwaagent.log", std::string("\x1b]0;owned\a\0\xC3\x28 \"quoted\"", 22), "\xED\xA0\x80"}};
    report.outcomes[0].changes = {{"wrote \xFE"}};
    report.machine.host_name = "\xC0\xAF";
    const auto document = parsed(report);  // parsing checks the encoding
    const auto& evidence = document.at("findings").at(0).at("evidence").at(0);
    EXPECT_EQ(evidence.at("where"), "/var/log/\xEF\xBF\xBDwaagent.log");
    EXPECT_THAT(std::string(evidence.at("seen").as_string()), testing::HasSubstr("\xEF\xBF\xBD( \"quoted\""));
    EXPECT_EQ(document.at("findings").at(0).at("changes").at(0), "wrote \xEF\xBF\xBD");
}

}  // namespace
}  // namespace handler::report_json_test
