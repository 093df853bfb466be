// What a browser makes of it is tested in tests/report.
#include "handler/report/report_html.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>

#include "tests/handler/sample_report.hpp"

namespace handler::report_html_test {
namespace {

using remediations::Report;
using remediations::RunMode;
using remediations::State;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

std::string html(const Report& report, Subject subject = Subject::this_computer) {
    return report_html(report, subject, "/opt/backup-remediation");
}

/// The text between the tags.
std::string text(const Report& report) {
    auto document = html(report);
    document.erase(0, document.find("<body>"));
    return std::regex_replace(document, std::regex("<[^>]*>"), "");
}

Report fixed_report() {
    auto report = samples::broken_report();
    report.mode = RunMode::fix;
    report.run_id = "20261121T014907Z-0001";
    report.outcomes[0].finding.state = State::fixed;
    report.outcomes[0].finding.action.clear();
    report.outcomes[0].changes = {{"start service walinuxagent"}};
    return report;
}

TEST(ReportHtml, NamesTheRootCauseBeforeAllElse) {
    const auto shown = text(samples::broken_report());
    const auto root = shown.find("Root cause: The guest agent does not run");
    ASSERT_NE(root, std::string::npos);
    EXPECT_LT(root, shown.find("What to do next"));
    EXPECT_LT(root, shown.find("The pipeline of a backup"));
    EXPECT_THAT(shown, AllOf(HasSubstr("service walinuxagent"), HasSubstr("seenstopped"), HasSubstr("expectedrunning"),
                             HasSubstr("/opt/backup-remediation fix")));
}

TEST(ReportHtml, GivesTheCommandThatTakesTheChangesBack) {
    const auto shown = text(fixed_report());
    EXPECT_THAT(shown, AllOf(HasSubstr("start service walinuxagent"),
                             HasSubstr("/opt/backup-remediation undo 20261121T014907Z-0001")));
    EXPECT_THAT(text(samples::broken_report()), Not(HasSubstr(" undo ")));
}

TEST(ReportHtml, ListsBackupsNewestFirst) {
    using namespace std::chrono;
    auto report = samples::broken_report();
    for (const auto& [day, succeeded] : {std::pair(19d, true), std::pair(20d, false)}) {
        auto& attempt = report.attempts.emplace_back();
        attempt.started = sys_days(2026y / November / day) + 22h;
        attempt.ended = *attempt.started + 3s;
        attempt.succeeded = succeeded;
    }
    report.attempts[1].result = 121;
    report.attempts[1].last_step = 3;
    report.attempts[1].decisive = {"/var/log/extension.log", 812, report.attempts[1].ended, "cannot freeze /mnt"};
    const auto shown = text(report);
    EXPECT_THAT(shown,
                HasSubstr("failed, code 121 after 3 s; reached step 3 of 9/var/log/extension.log:812: 2026-11-20 "
                          "22:00:03Z cannot freeze /mnt"));
    EXPECT_LT(shown.find("2026-11-20 22:00:00 UTC \u2716 failed"),
              shown.find("2026-11-19 22:00:00 UTC \u2714 succeeded"));
    EXPECT_THAT(html(report), HasSubstr("<svg"));
    EXPECT_THAT(text(samples::broken_report()), HasSubstr("The logs tell of no backup."));
}

TEST(ReportHtml, ShowsAzuresViewBesideTheVms) {
    auto report = samples::broken_report();
    EXPECT_THAT(report_html(report, Subject::this_computer, "backup-remediation"),
                Not(HasSubstr("In the VM, and in Azure")));
    report.azure = {{"Guest agent", "broken: <stopped>", "Ready"}, {"Locks", "", "2 in the subscription"}};
    const auto page = report_html(report, Subject::this_computer, "backup-remediation");
    EXPECT_THAT(page, HasSubstr("In the VM, and in Azure</h2>"));
    EXPECT_THAT(page, HasSubstr("<b>Guest agent</b></dt><dt>in the VM</dt><dd>broken: &lt;stopped&gt;</dd>"
                                "<dt>in Azure</dt><dd>Ready</dd>"));
    EXPECT_THAT(page, HasSubstr("<b>Locks</b></dt><dt>in Azure</dt><dd>2 in the subscription</dd>"));
}

TEST(ReportHtml, IsADocumentThatLoadsAndRunsNothing) {
    const auto document = html(fixed_report());
    EXPECT_TRUE(document.starts_with("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"));
    EXPECT_THAT(document, HasSubstr("content=\"default-src &#39;none&#39;; style-src &#39;sha256-"));
    for (const auto* element : {"<script", "<link", "<img", "<iframe", "<a ", "<object", "style=", "src=", "href="}) {
        EXPECT_THAT(document, Not(HasSubstr(element)));
    }
}

TEST(ReportHtml, TagsComeFromThisProgramAlone) {
    const std::string hostile = "\"'><script>x</script><!--";
    auto report = fixed_report();
    const auto tags_of = [](const Report& shown) {
        const auto document = html(shown);
        const std::regex tag_pattern("<[^>]*>");
        std::string tags;
        for (std::sregex_iterator tag(document.begin(), document.end(), tag_pattern), end; tag != end; ++tag) {
            tags += tag->str() + "\n";
        }
        return tags;
    };
    report.error_code = "x";
    report.outcomes[0].finding.evidence = {{"x", "x", "x"}};
    report.outcomes[0].finding.action = "x";
    report.attempts.emplace_back().decisive.file = "x";
    const auto tags = tags_of(report);
    report.machine.host_name = report.machine.os_name = report.machine.os_version = report.machine.architecture =
        hostile;
    report.error_code = report.run_id = report.root_cause_reason = hostile;
    report.outcomes[0].finding.summary = report.outcomes[0].finding.action = hostile;
    report.outcomes[0].finding.evidence = {{hostile, hostile, hostile}};
    report.outcomes[0].changes = {{hostile}};
    report.attempts[0].decisive.file = report.attempts[0].decisive.text = hostile;
    EXPECT_EQ(tags_of(report), tags);
}

TEST(ReportHtml, CutsEndlessEvidence) {
    auto report = samples::broken_report();
    report.outcomes[0].finding.evidence = {{"/var/log/waagent.log", std::string(1 << 20, 'x'), ""}};
    EXPECT_THAT(html(report), HasSubstr(" bytes more)"));
    EXPECT_LT(html(report).size(), 20000U);
}

}  // namespace
}  // namespace handler::report_html_test
