#include "handler/report/report_text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "handler/report/plain_text.hpp"
#include "tests/handler/sample_report.hpp"

namespace handler::report_text_test {
namespace {

using remediations::Finding;
using remediations::PlannedStep;
using remediations::Report;
using remediations::RunMode;
using remediations::State;
using testing::AllOf;
using testing::AnyOf;
using testing::HasSubstr;
using testing::Not;

std::string text(const Report& report, Subject subject = Subject::this_computer, const TextStyle& style = {}) {
    return "\n" + report_text(report, subject, style);  // the goldens below begin on a line of their own
}

/// Without the line breaks of a narrow page.
std::string in_one_line(const std::string& text) {
    std::istringstream words(text);
    std::string line;
    for (std::string word; words >> word;) line += (line.empty() ? "" : " ") + word;
    return line;
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

Report several_causes() {
    auto report =
        samples::report({samples::healthy(samples::agent_stopped),
                         {&samples::log_damaged,
                          Finding::broken("MSDTC ends with 3221229584.",
                                          {{"service MSDTC", "exit code 3221229584", "running"}}, "Reinstall MSDTC."),
                          {}},
                         {&samples::host_unreachable,
                          Finding::needs_operator("168.63.129.16:80 does not answer.",
                                                  {{"168.63.129.16:80", "timed out after 2 s", "an answer"}},
                                                  "Allow it in the firewall."),
                          {}}});
    report.root_cause = &samples::log_damaged;
    report.root_cause_reason = "os-snapshot is the earliest broken layer.";
    report.error_code = "GuestAgentSnapshotTaskStatusError";
    return report;
}

TEST(ReportText, Healthy) {
    EXPECT_EQ(text(samples::report({samples::healthy(samples::agent_stopped), samples::healthy(samples::log_damaged)})),
              R"(
Azure Backup pipeline of vm1 (Ubuntu 22.04.4 LTS, x86_64)

  guest-agent       healthy         1 check passed
  backup-extension  not-applicable
  os-snapshot       healthy         1 check passed
  managed-disk      not-applicable
  network           not-applicable
  vault             not-applicable

No cause was found inside this VM.

What to do next
  1. If its backups fail all the same, look up the error code of the backup job:
         backup-remediation explain CODE
)");
}

TEST(ReportText, Broken) {
    EXPECT_EQ(text(samples::broken_report()), R"(
Azure Backup pipeline of vm1 (Ubuntu 22.04.4 LTS, x86_64)

  guest-agent       broken          The guest agent does not run
  backup-extension  not-applicable
  os-snapshot       healthy         1 check passed
  managed-disk      not-applicable
  network           healthy         1 check passed
  vault             not-applicable

Root cause: The guest agent does not run
  It is the only thing found broken, in layer guest-agent.

broken: The guest agent does not run [agent-stopped]
  Service walinuxagent is stopped.
  service walinuxagent
    seen        "stopped"
    expected    running
  Action: Start walinuxagent.

What to do next
  1. Repair agent-stopped (disruption: agent-restart; can be undone), as root:
         backup-remediation fix
)");
}

TEST(ReportText, Fixed) {
    EXPECT_EQ(text(fixed_report()), R"(
Azure Backup pipeline of vm1 (Ubuntu 22.04.4 LTS, x86_64)

  guest-agent       fixed           The guest agent does not run
  backup-extension  not-applicable
  os-snapshot       healthy         1 check passed
  managed-disk      not-applicable
  network           healthy         1 check passed
  vault             not-applicable

Root cause: The guest agent does not run
  It is the only thing found broken, in layer guest-agent.
  Now: fixed.

fixed: The guest agent does not run [agent-stopped]
  Service walinuxagent is stopped.
  service walinuxagent
    seen        "stopped"
    expected    running

Changed
  for agent-stopped:
    - start service walinuxagent
  To take all of this back:
      backup-remediation undo 20261121T014907Z-0001

What to do next
  1. Start a backup to prove it: in the vault, Backup items > this VM > Backup
     now.
)");
}

TEST(ReportText, SeveralCausesOfACapture) {
    EXPECT_EQ(text(several_causes(), Subject::capture), R"(
Azure Backup pipeline of vm1 (Ubuntu 22.04.4 LTS, x86_64)
Error code GuestAgentSnapshotTaskStatusError: The guest agent gave no status of
the snapshot.

  guest-agent       healthy         1 check passed
  backup-extension  not-applicable
  os-snapshot       broken          The transaction log is damaged
  managed-disk      not-applicable
  network           needs-operator  The host cannot be reached
  vault             not-applicable

Root cause: The transaction log is damaged
  os-snapshot is the earliest broken layer.

broken: The transaction log is damaged [log-damaged]
  MSDTC ends with 3221229584.
  service MSDTC
    seen        "exit code 3221229584"
    expected    running
  Action: Reinstall MSDTC.

needs-operator: The host cannot be reached [host-unreachable]
  168.63.129.16:80 does not answer.
  168.63.129.16:80
    seen        "timed out after 2 s"
    expected    an answer

What to do next
  1. Repair log-damaged if its disruption (workload) is acceptable now, as root:
         backup-remediation fix --only log-damaged --max-disruption workload
  2. Allow it in the firewall. [host-unreachable]
)");
}

TEST(ReportText, WhatFollowsFromAnotherCauseIsNoStepOfItsOwn) {
    auto origin = samples::log_damaged;
    origin.consequences = {samples::host_unreachable.id};
    auto report = several_causes();
    report.outcomes[1].remediation = &origin;
    const auto shown = text(report);
    EXPECT_THAT(shown, HasSubstr("  Action: Allow it in the firewall.\n"));
    EXPECT_THAT(shown, Not(HasSubstr("2. ")));
}

TEST(ReportText, NeedsApproval) {
    auto report = several_causes();
    report.mode = RunMode::fix;
    report.outcomes[1].finding.state = State::needs_approval;
    EXPECT_THAT(text(report), HasSubstr("needs-approval: The transaction log is damaged [log-damaged]"));
    EXPECT_THAT(text(report), HasSubstr("  Action: Reinstall MSDTC.\n"));
    EXPECT_THAT(text(report), HasSubstr("backup-remediation fix --only log-damaged --max-disruption workload\n"));
}

TEST(ReportText, NeedsApprovalOfAFixBelowTheDefaultToo) {
    auto report = samples::broken_report();
    report.mode = RunMode::fix;
    report.outcomes[0].finding.state = State::needs_approval;
    EXPECT_THAT(text(report),
                HasSubstr("backup-remediation fix --only agent-stopped --max-disruption agent-restart\n"));
}

TEST(ReportText, UnknownIsNotHealthy) {
    const auto report =
        samples::report({{&samples::agent_stopped,
                          Finding::unknown("/etc/waagent.conf",
                                           machine::Error::access_denied("/etc/waagent.conf: permission denied", 13)),
                          {}},
                         samples::healthy(samples::log_damaged)});
    const auto shown = text(report);
    EXPECT_THAT(shown, HasSubstr("guest-agent       unknown         1 cause could not be checked\n"));
    EXPECT_THAT(shown, HasSubstr("\nunknown: could not be checked: The guest agent does not run [agent-stopped]\n"
                                 "  Could not look at /etc/waagent.conf: permission denied\n"));
    EXPECT_THAT(shown, HasSubstr("No cause was found, but not everything could be checked."));
    EXPECT_THAT(shown, HasSubstr("1. Find out why /etc/waagent.conf cannot be read, then run the diagnosis\n"
                                 "     again. [agent-stopped]\n"));
    EXPECT_THAT(shown, Not(HasSubstr("seen")));
    EXPECT_THAT(shown, Not(HasSubstr("as root"))) << "it was";

    const auto without_rights = text(report, Subject::this_computer_without_rights);
    EXPECT_THAT(without_rights, HasSubstr("1. Run it again as root"));
    EXPECT_THAT(without_rights, Not(HasSubstr("Find out why")));
}

TEST(ReportText, TellsOneReasonOfManyUnknownsOnce) {
    const auto unknown = [](const remediations::Remediation& remediation, const std::string& where) {
        return remediations::Outcome{
            &remediation, Finding::unknown(where, machine::Error::failed(where + " answered HTTP 403")), {}};
    };
    const auto report =
        samples::report({unknown(samples::agent_stopped, "metadata"), unknown(samples::log_damaged, "event log System"),
                         unknown(samples::host_unreachable, "metadata"), samples::broken_agent()});
    EXPECT_THAT(text(report), HasSubstr(R"(
unknown: 2 causes could not be checked
  Could not look: metadata answered HTTP 403
  - The guest agent does not run [agent-stopped]
  - The host cannot be reached [host-unreachable]

unknown: could not be checked: The transaction log is damaged [log-damaged]
  Could not look: event log System answered HTTP 403

What to do next
  1. Repair agent-stopped (disruption: agent-restart; can be undone), as root:
         backup-remediation fix
  2. Find out why metadata cannot be read, then run the diagnosis again.
     [agent-stopped, host-unreachable]
  3. Find out why event log System cannot be read, then run the diagnosis again.
     [log-damaged]
)"));
}

TEST(ReportText, SaysTheTitleOnce) {
    auto report = samples::broken_report();
    const std::string title = "The guest agent does not run";
    const std::pair<std::string, std::string> summaries[] = {
        {title + ": its service is stopped.", "  Its service is stopped.\n"},
        {title + ", according to the log.", "  According to the log.\n"},
        {title + ".", "  service walinuxagent\n"},
        {title + ", so no extension does.", "  " + title + ", so no extension does.\n"},
        {"Its service is stopped.", "  Its service is stopped.\n"},
    };
    for (const auto& [summary, shown] : summaries) {
        report.outcomes[0].finding.summary = summary;
        EXPECT_THAT(text(report), HasSubstr("\nbroken: " + title + " [agent-stopped]\n" + shown));
    }
}

TEST(ReportText, OneStepForWhatSeveralCausesWant) {
    const auto wanting = [](const remediations::Remediation& remediation, const std::string& summary) {
        return remediations::Outcome{&remediation, Finding::needs_operator(summary, {}, "Assign the role."), {}};
    };
    const auto report = samples::report({wanting(samples::host_unreachable, "Not allowed."), samples::broken_agent(),
                                         wanting(samples::log_damaged, "Not allowed either.")});
    EXPECT_THAT(text(report), HasSubstr("  2. Assign the role. [host-unreachable, log-damaged]\n"));
}

TEST(ReportText, AsksForNoSacrificeWhereARepairDisturbsNothing) {
    auto report = samples::broken_report();
    report.outcomes[0].finding.weight = remediations::Weight::risk;
    report.root_cause = nullptr;
    const auto shown = in_one_line(text(report));
    EXPECT_THAT(shown,
                HasSubstr("If you want, repair agent-stopped, which makes no backup fail today (disruption: "
                          "agent-restart; can be undone), as root: backup-remediation fix --only agent-stopped"));
    EXPECT_THAT(shown, Not(HasSubstr("acceptable")));
}

TEST(ReportText, ADryRunSaysWhatItWouldDo) {
    auto report = samples::broken_report();
    report.mode = RunMode::dry_run;
    report.outcomes[0].changes = {{"start service walinuxagent"}};
    EXPECT_THAT(text(report),
                HasSubstr("\nWould be changed\n  for agent-stopped:\n    - start service walinuxagent\n"));
    EXPECT_THAT(text(report), HasSubstr("         backup-remediation fix\n"));
}

TEST(ReportText, SaysWhatUndoCannotTakeBack) {
    auto report = samples::broken_report();
    EXPECT_THAT(in_one_line(text(report)), HasSubstr("(disruption: agent-restart; can be undone)"));
    report.outcomes[0].plan = {{"edit /etc/waagent.conf"}, {"end a.exe (process 7)", PlannedStep::Undo::cannot}};
    EXPECT_THAT(in_one_line(text(report)), HasSubstr("cannot be undone: end a.exe (process 7)"));
    EXPECT_THAT(in_one_line(text(report)), Not(HasSubstr("can be undone)")));
    report.outcomes[0].plan.clear();
    EXPECT_THAT(in_one_line(text(report)), HasSubstr("fix --dry-run says what can be undone"));

    auto fixed = fixed_report();
    EXPECT_THAT(in_one_line(text(fixed)), HasSubstr("To take all of this back:"));
    fixed.outcomes[0].changes.push_back({"run setup /install (installs)", PlannedStep::Undo::cannot});
    EXPECT_THAT(in_one_line(text(fixed)), AllOf(HasSubstr("- run setup /install (installs) (cannot be undone)"),
                                                HasSubstr("To take back what can be undone:"), HasSubstr("undo 2026")));
    fixed.outcomes[0].changes.erase(fixed.outcomes[0].changes.begin());
    EXPECT_THAT(in_one_line(text(fixed)), Not(HasSubstr("undo 2026"))) << "nothing is left that undo could do";
    fixed.outcomes[0].changes = {{"restart service walinuxagent", PlannedStep::Undo::needs_nothing}};
    EXPECT_THAT(in_one_line(text(fixed)), Not(AnyOf(HasSubstr("undo"), HasSubstr("take back"))));
}

TEST(ReportText, SaysWhatBecameOfEarlierRuns) {
    auto report = fixed_report();
    report.notices = {"Run 20261121T014907Z-0001 was interrupted and could not be rolled back."};
    EXPECT_THAT(in_one_line(text(report)),
                HasSubstr("Run 20261121T014907Z-0001 was interrupted and could not be rolled back."));
}

TEST(ReportText, AFixThatWasTakenBackOffersNoUndo) {
    auto report = samples::broken_report();
    report.mode = RunMode::fix;
    report.run_id = "20261121T014907Z-0001";
    report.outcomes[0].finding.action = "The fix did not help (it is still stopped) and was taken back.";
    EXPECT_THAT(text(report), HasSubstr("  1. The fix did not help (it is still stopped) and was taken back."));
    EXPECT_THAT(text(report), Not(HasSubstr("undo")));
}

TEST(ReportText, CountsTheCausesOfOneLayer) {
    auto other = samples::agent_stopped;
    auto report = samples::broken_report();
    report.outcomes.insert(report.outcomes.begin() + 1, samples::broken_agent());
    report.outcomes[1].remediation = &other;
    EXPECT_THAT(text(report), HasSubstr("broken          The guest agent does not run (and 1 more)\n"));
}

TEST(ReportText, CannotDriveTheTerminal) {
    auto report = samples::broken_report();
    const std::string hostile =
        "\x1b]0;owned\a\x1b[2J\r\n\xC2\x9B"
        "1m\xFF";
    report.machine.host_name = hostile;
    report.machine.os_name = hostile;
    report.error_code = hostile;
    report.outcomes[0].finding.summary = hostile;
    report.outcomes[0].finding.action = hostile;
    report.outcomes[0].finding.evidence = {{hostile, hostile, hostile}};
    report.outcomes[0].changes = {{hostile}};
    const auto shown = text(report);
    for (const char control : {'\x1b', '\a', '\r', '\xFF'}) EXPECT_EQ(shown.find(control), std::string::npos);
    EXPECT_EQ(shown.find("\xC2\x9B"), std::string::npos);
    EXPECT_THAT(shown, HasSubstr("seen        \"\\x1b]0;owned\\x07\\x1b[2J\\r\\n\\x9b1m\xEF\xBF\xBD\""));
}

TEST(ReportText, CutsEndlessEvidence) {
    auto report = samples::broken_report();
    report.outcomes[0].finding.evidence = {{"/var/log/waagent.log", std::string(1 << 20, 'x'), ""}};
    EXPECT_THAT(text(report), HasSubstr("(1044376 bytes more)\""));
    EXPECT_LT(text(report).size(), 7000U);
}

TEST(ReportText, FitsANarrowTerminal) {
    constexpr std::size_t width = 40;
    std::istringstream shown(report_text(several_causes(), Subject::this_computer, {false, width}));
    for (std::string line; std::getline(shown, line);) {
        const bool is_command = line.starts_with("         backup-remediation ");
        EXPECT_TRUE(is_command || length(line) <= width) << line;
    }
}

TEST(ReportText, ColoursStatesWhenAsked) {
    const auto shown = text(samples::broken_report(), Subject::this_computer, {true, 80});
    EXPECT_THAT(shown, HasSubstr("guest-agent       \x1b[1;31mbroken\x1b[0m          The guest agent"));
    EXPECT_THAT(shown, HasSubstr("network           \x1b[32mhealthy\x1b[0m"));
}

TEST(ReportText, ShowsARiskAsARiskAndAfterTheCauses) {
    auto risk = samples::broken_report();
    for (auto& outcome : risk.outcomes) outcome.finding.weight = remediations::Weight::risk;
    risk.root_cause = nullptr;
    risk.root_cause_reason = "Nothing found makes backups fail by itself.";
    const auto shown = text(risk);
    EXPECT_THAT(shown, testing::HasSubstr("No cause was found inside this VM.\n  Nothing found makes"));
    EXPECT_THAT(shown, testing::HasSubstr("risk, broken: The guest agent does not run [agent-stopped]"));
    EXPECT_FALSE(risk.anything_left());
    EXPECT_THAT(shown, testing::HasSubstr("  guest-agent       healthy         1 at risk\n"))
        << "not-applicable would contradict the finding";
}

}  // namespace
}  // namespace handler::report_text_test
