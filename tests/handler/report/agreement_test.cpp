// A report never says two things: banner, pipeline, findings, next steps, the status message and what the exit code
// goes by agree, on every recorded machine, diagnosed and repaired.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "handler/report/report_outline.hpp"
#include "handler/report/report_status.hpp"
#include "handler/report/report_text.hpp"
#include "remediations/engine/root_cause.hpp"
#include "remediations/machine/recorded/capture.hpp"
#include "test_data.hpp"
#include "tests/capture_folder.hpp"
#include "tests/temporary_folder.hpp"

namespace handler::agreement_test {
namespace {

using remediations::Outcome;
using remediations::Report;
using remediations::RunMode;
using remediations::State;
using testing::HasSubstr;
using testing::StartsWith;

std::vector<std::filesystem::path> all_captures() {
    return tests::captures_in(TEST_DATA "/captures");
}

Report run(const std::filesystem::path& capture, RunMode mode) {
    const tests::CaptureFolder whole(capture);
    const tests::TemporaryFolder state;
    auto machine = machine::recorded::load(whole.path());
    if (!machine) throw std::runtime_error(machine.error().message);
    remediations::RunOptions options;
    options.mode = mode;
    const auto expected = tests::expected_of(capture);
    if (const auto* code = expected.if_contains("errorCode")) options.error_code = code->as_string();
    return remediations::run(options, *machine, state.path()).value();
}

bool is_cause_left(const Outcome& outcome) {
    return remediations::is_left(outcome.finding.state) && !is_risk(outcome);
}

class Agreement : public testing::TestWithParam<std::filesystem::path> {
protected:
    static void check(const Report& report) {
        const auto message = status_of(report, false).message;
        const auto steps = next_steps(report, Subject::this_computer, "backup-remediation");
        const auto root = std::ranges::find(report.outcomes, report.root_cause, &Outcome::remediation);
        EXPECT_FALSE(steps.empty()) << "a reader does not know what to do";
        if (!report.anything_left()) {
            EXPECT_THAT(message, testing::Not(StartsWith("Action needed")));
            for (const auto& outcome : report.outcomes) EXPECT_FALSE(is_cause_left(outcome)) << outcome.remediation->id;
        } else {
            EXPECT_THAT(message, testing::Not(StartsWith("Nothing"))) << "the exit code says that something is left";
            EXPECT_THAT(message, testing::Not(StartsWith("No cause")));
        }
        if (report.is_cause_left()) {
            EXPECT_THAT(message, StartsWith("Action needed"));
            EXPECT_NE(report.root_cause, nullptr) << "something is broken, and the banner says that nothing is";
        }
        if (root != report.outcomes.end() && is_cause_left(*root)) {
            EXPECT_THAT(message, HasSubstr(root->remediation->id));
            EXPECT_THAT(layer_line(report, root->remediation->layer), HasSubstr(root->remediation->title));
            const auto& first = steps.front();
            const bool is_roots = first.text.find(root->remediation->id) != std::string::npos;
            EXPECT_TRUE(is_roots || follows_from_another(report, *root)) << "first step: " << first.text;
        }
        for (const auto& outcome : report.outcomes) {
            if (!is_cause_left(outcome) && outcome.finding.state != State::unproven) continue;
            const auto state = report.layer_state(outcome.remediation->layer);
            EXPECT_TRUE(state != State::healthy && state != State::not_applicable) << outcome.remediation->id;
            EXPECT_FALSE(outcome.finding.action.empty()) << outcome.remediation->id;
        }
        std::set<std::string> said;
        for (const auto& step : steps) {
            const auto text = step.text.substr(0, step.text.rfind(" ["));  // without the ids behind it
            EXPECT_TRUE(said.insert(text).second) << "said twice: " << text;
        }
        for (const auto& outcome : report.outcomes) {
            if (!remediations::is_left(outcome.finding.state)) continue;
            const auto& title = outcome.remediation->title;
            for (const auto* end : {".", ":", ", according"}) {
                EXPECT_THAT(summary_beneath_title(outcome), testing::Not(StartsWith(title + end))) << "the title again";
            }
        }
    }
};

TEST_P(Agreement, OfTheWholeReport) {
    for (const auto mode : {RunMode::diagnose, RunMode::fix}) check(run(GetParam(), mode));
}

std::string name_of(const testing::TestParamInfo<std::filesystem::path>& test) {
    return tests::test_name_of(test.param, TEST_DATA "/captures");
}

INSTANTIATE_TEST_SUITE_P(All, Agreement, testing::ValuesIn(all_captures()), name_of);

}  // namespace
}  // namespace handler::agreement_test
