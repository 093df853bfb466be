#include "handler/report/report_status.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/handler/sample_report.hpp"

namespace handler::report_status_test {
namespace {

using remediations::Finding;
using remediations::Layer;
using remediations::Outcome;
using remediations::Remediation;
using remediations::Report;
using remediations::RunMode;
using remediations::State;

Remediation remediation(std::string id, std::string title, Layer layer) {
    Remediation made;
    made.id = std::move(id);
    made.title = std::move(title);
    made.layer = layer;
    made.fix = [](const Finding&, remediations::Changes&) { return machine::Result<void>(); };
    return made;
}

const auto extensions_off = [] {
    auto made = remediation("extensions-disabled", "Extensions are switched off in waagent.conf", Layer::guest_agent);
    made.error_codes = {"UserErrorGuestAgentStatusUnavailable"};
    return made;
}();
const auto msdtc_damaged = remediation("msdtc-damaged", "The installation of MSDTC is damaged", Layer::os_snapshot);
const auto host_unreachable = remediation("wire-server-unreachable", "The host cannot be reached", Layer::network);

Outcome healthy(const Remediation& remediation) {
    return {&remediation, Finding::healthy("As it should be."), {}};
}

Outcome with(const Remediation& remediation, State state, std::string summary, std::string action = {},
             std::vector<std::string> changes = {}) {
    Finding finding;
    finding.state = state;
    finding.summary = std::move(summary);
    finding.action = std::move(action);
    Outcome outcome{&remediation, std::move(finding), {}};
    for (auto& change : changes) outcome.changes.push_back({std::move(change)});
    return outcome;
}

Report report(RunMode mode, std::vector<Outcome> outcomes, const Remediation* root = nullptr, std::string run_id = {}) {
    Report result;
    result.mode = mode;
    result.outcomes = std::move(outcomes);
    result.root_cause = root;
    result.run_id = std::move(run_id);
    return result;
}

constexpr auto program = "/opt/backup-remediation";

std::string message(const Report& shown) {
    auto status = status_of(shown, false);
    add_pointers(status, shown, program, {});
    EXPECT_EQ(status.status, StatusWord::success);
    EXPECT_EQ(status.code, 0);
    EXPECT_LE(status.message.size(), status_message_limit);
    return status.message;
}

TEST(PortalMessage, WhatOnlyALogTellsOf) {
    auto told = healthy(host_unreachable);
    told.finding.history = remediations::Evidence{"waagent.log:7", "IOError timed out", ""};
    auto shown = report(RunMode::diagnose, {healthy(extensions_off), told}, &host_unreachable);
    shown.root_cause_reason = "waagent.log:7 tells of it.";
    EXPECT_EQ(message(shown),
              "Start a backup now to see whether it succeeds. The last one failed because of: The host cannot be "
              "reached (network, wire-server-unreachable). waagent.log:7 tells of it.");
}

TEST(PortalMessage, AllHealthy) {
    EXPECT_EQ(
        message(report(RunMode::diagnose, {healthy(extensions_off), healthy(msdtc_damaged)})),
        "Nothing to do in this VM: 2 checks found no cause of a failing backup. If backups fail all the same, set "
        "\"errorCode\" to the error code of the backup job and apply again.");
    EXPECT_EQ(message(report(RunMode::fix, {healthy(extensions_off)})),
              "Nothing to do in this VM: 1 check found no cause of a failing backup. If backups fail all the same, set "
              "\"errorCode\" to the error code of the backup job and apply again.");
}

TEST(PortalMessage, HealthyThoughAzureReportsAnError) {
    auto shown = report(RunMode::diagnose, {healthy(extensions_off)});
    shown.error_code = "userErrorGuestAgentStatusUnavailable";
    EXPECT_EQ(
        message(shown),
        "Nothing to do in this VM: 1 check found no cause of a failing backup. "
        "Reported by Azure Backup: userErrorGuestAgentStatusUnavailable. If backups still fail with it, ask Azure "
        "support, with the full report.");
    shown.error_code = "UserErrorKeyvaultPermissions";
    EXPECT_EQ(message(shown),
              "Nothing to do in this VM: 1 check found no cause of a failing backup. "
              "Reported by Azure Backup: UserErrorKeyvaultPermissions, for which there is no check of its own. If "
              "backups still fail with it, ask Azure support, with the full report.");
}

TEST(PortalMessage, OneFixed) {
    EXPECT_EQ(message(report(RunMode::fix,
                             {with(extensions_off, State::fixed, "Extensions.Enabled is n.", "",
                                   {"write /etc/waagent.conf", "restart walinuxagent"}),
                              healthy(msdtc_damaged)},
                             &extensions_off, "20261121T014907Z-0001")),
              "Start a backup now to see it succeed. Fixed: Extensions are switched off in waagent.conf (guest-agent, "
              "extensions-disabled). Changed: write /etc/waagent.conf; restart walinuxagent. To take it back: "
              "/opt/backup-remediation undo 20261121T014907Z-0001");
}

TEST(PortalMessage, BrokenWhileOnlyDiagnosing) {
    EXPECT_EQ(message(report(RunMode::diagnose,
                             {with(extensions_off, State::broken, "Extensions.Enabled is n.",
                                   "Set Extensions.Enabled=y in /etc/waagent.conf and restart walinuxagent.")},
                             &extensions_off)),
              "Action needed: Set Extensions.Enabled=y in /etc/waagent.conf and restart walinuxagent. This extension "
              "can do it: set \"mode\" to \"fix\". Cause: Extensions are switched off in waagent.conf (guest-agent, "
              "extensions-disabled): Extensions.Enabled is n.");
}

TEST(PortalMessage, NeedsApproval) {
    EXPECT_EQ(
        message(report(RunMode::fix,
                       {with(msdtc_damaged, State::needs_approval, "MSDTC does not start",
                             "Set maxDisruption to \"workload\" and run again, or do it by hand: Reinstall MSDTC.")},
                       &msdtc_damaged)),
        "Action needed: Set maxDisruption to \"workload\" and run again, or do it by hand: Reinstall MSDTC. Cause: The "
        "installation of MSDTC is damaged (os-snapshot, msdtc-damaged): MSDTC does not start.");
}

TEST(PortalMessage, NeedsAnOperator) {
    EXPECT_EQ(message(report(RunMode::fix,
                             {with(host_unreachable, State::needs_operator, "168.63.129.16:80 timed out.",
                                   "Allow outbound TCP 80 and 32526 to 168.63.129.16")},
                             &host_unreachable)),
              "Action needed: Allow outbound TCP 80 and 32526 to 168.63.129.16. Cause: The host cannot be reached "
              "(network, wire-server-unreachable): 168.63.129.16:80 timed out.");
}

TEST(PortalMessage, AFixThatDidNotHelpWasTakenBack) {
    EXPECT_EQ(message(report(RunMode::fix,
                             {with(extensions_off, State::broken, "Extensions.Enabled is n.",
                                   "The fix did not help (walinuxagent does not start) and was taken back. Start it.",
                                   {"restart walinuxagent (cannot be undone)"})},
                             &extensions_off, "RUN")),
              "Action needed: The fix did not help (walinuxagent does not start) and was taken back. Start it. Cause: "
              "Extensions are switched off in waagent.conf (guest-agent, extensions-disabled): Extensions.Enabled is "
              "n. Changed: restart walinuxagent (cannot be undone). To take it back: /opt/backup-remediation undo RUN");
}

TEST(PortalMessage, ARunningBackupIsLeftAlone) {
    EXPECT_EQ(message(report(RunMode::fix,
                             {with(extensions_off, State::broken, "Extensions.Enabled is n.",
                                   "Run again later: nothing was changed, because a backup is running: handle.py.")},
                             &extensions_off)),
              "Action needed: Run again later: nothing was changed, because a backup is running: handle.py. Cause: "
              "Extensions are switched off in waagent.conf (guest-agent, extensions-disabled): "
              "Extensions.Enabled is n.");
}

TEST(PortalMessage, SomethingCouldNotBeChecked) {
    EXPECT_EQ(message(report(RunMode::diagnose, {with(extensions_off, State::unknown,
                                                      "/etc/waagent.conf: access denied", "Make it readable"),
                                                 healthy(msdtc_damaged)})),
              "Nothing broken was found in what could be checked in this VM. Could not be checked: "
              "extensions-disabled. /etc/waagent.conf: access denied. Make it readable.");
}

TEST(PortalMessage, SeveralAtOnceBeginWithTheRootCause) {
    EXPECT_EQ(
        message(report(RunMode::fix,
                       {with(extensions_off, State::fixed, "Extensions.Enabled is n.", "", {"write /etc/waagent.conf"}),
                        with(msdtc_damaged, State::needs_approval, "MSDTC does not start.", "Allow it."),
                        with(host_unreachable, State::needs_operator, "No route.", "Add a route.")},
                       &host_unreachable, "RUN")),
        "Action needed: Add a route. Cause: The host cannot be reached (network, wire-server-unreachable): No "
        "route. Also found: msdtc-damaged. Fixed: Extensions are switched off in waagent.conf (guest-agent, "
        "extensions-disabled). Changed: write /etc/waagent.conf. To take it back: /opt/backup-remediation undo RUN");
}

TEST(PortalMessage, ARootCauseThatWasFixedGivesWayToTheFirstThatIsLeft) {
    EXPECT_EQ(message(report(RunMode::fix,
                             {with(extensions_off, State::fixed, "Off."),
                              with(msdtc_damaged, State::needs_approval, "MSDTC does not start.", "Allow it.")},
                             &extensions_off))
                  .substr(0, 53),
              "Action needed: Allow it. Cause: The installation of M");
}

TEST(PortalMessage, SettingsThatAreNoGood) {
    const auto status =
        settings_invalid({"publicSettings.mode: \"x\" is no mode", "publicSettings.y: unknown setting"});
    EXPECT_EQ(status.status, StatusWord::error);
    EXPECT_EQ(
        status.message,
        "Correct the settings and apply them again; nothing was looked at or changed. publicSettings.mode: \"x\" is no "
        "mode\npublicSettings.y: unknown setting");
}

TEST(PortalMessage, AWorkerThatDied) {
    const auto status = worker_ended("died with exit code 139", "", program);
    EXPECT_EQ(status.status, StatusWord::error);
    EXPECT_EQ(status.message,
              "Apply the extension again; if this returns, its log says how far it came. The run died with exit code "
              "139. Nothing was changed.");
}

TEST(PortalMessage, AWorkerThatUsedUpItsTime) {
    EXPECT_EQ(
        worker_ended("was ended because it took longer than 20 minutes", "20261121T014907Z-0001", program).message,
        "Apply the extension again; if this returns, its log says how far it came. The run was ended because it "
        "took longer than 20 minutes. It had begun to change things. To take that back: /opt/backup-remediation undo "
        "20261121T014907Z-0001");
}

TEST(PortalMessage, TheHandlerCouldNotWork) {
    const auto status = could_not_work("/var/lib/backup-remediation: No space left on device");
    EXPECT_EQ(status.status, StatusWord::error);
    EXPECT_EQ(status.message,
              "The diagnosis could not be done: /var/lib/backup-remediation: No space left on device. Correct this and "
              "apply the extension again.");
}

TEST(PortalMessage, StoppedByDisabling) {
    const auto stopped =
        report(RunMode::fix, {with(extensions_off, State::fixed, "Off.", "", {"write /etc/waagent.conf"})},
               &extensions_off, "RUN");
    auto status = status_of_stopped(stopped);
    add_pointers(status, stopped, program, "/var/log/report.html");
    EXPECT_EQ(status.status, StatusWord::success);
    EXPECT_EQ(
        status.message,
        "Stopped before its end, because the extension was disabled; the next enable runs it again. Fixed: "
        "Extensions are switched off in waagent.conf (guest-agent, extensions-disabled). Changed: write "
        "/etc/waagent.conf. Full report: /var/log/report.html. To take it back: /opt/backup-remediation undo RUN");
}

TEST(PortalMessage, HasRoomForTheWayBackHoweverLongItIs) {
    const auto changed = report(
        RunMode::fix, {with(extensions_off, State::fixed, "Off.", "", {std::string(2000, 'x')})}, nullptr, "RUN");
    const auto shown = message(changed);
    EXPECT_THAT(shown, testing::HasSubstr("... (cut; see "));
    EXPECT_TRUE(shown.ends_with(" To take it back: /opt/backup-remediation undo RUN")) << shown;
}

TEST(PortalMessage, ReplacedByNewerSettings) {
    EXPECT_EQ(superseded(8).message, "Not run: settings number 8 took the place of these.");
    EXPECT_EQ(superseded(8).status, StatusWord::success);
}

TEST(ReportStatus, WhatIsLeftIsAnErrorOnlyWhereThatIsWanted) {
    const auto left = report(RunMode::fix, {with(host_unreachable, State::needs_operator, "No route.", "Add one.")});
    EXPECT_EQ(status_of(left, false).status, StatusWord::success);
    EXPECT_EQ(status_of(left, true).status, StatusWord::error);
    EXPECT_EQ(status_of(left, true).code, static_cast<int>(StatusCode::unresolved));
    const auto nothing_left = report(RunMode::fix, {with(extensions_off, State::fixed, "Off.")});
    EXPECT_EQ(status_of(nothing_left, true).status, StatusWord::success);
}

TEST(ReportStatus, HasASubstatusForEachLayerThenOneForEachCause) {
    auto broken = with(extensions_off, State::broken, "Extensions.Enabled is n.", "Set it to y.");
    broken.finding.evidence = {{"/etc/waagent.conf:12", "Extensions.Enabled=n", "Extensions.Enabled=y"},
                               {"service walinuxagent", "running", ""}};
    const auto status = status_of(
        report(RunMode::diagnose,
               {broken, healthy(msdtc_damaged), with(host_unreachable, State::unknown, "No answer.")}, &extensions_off),
        false);
    std::vector<std::string> shown;
    for (const auto& part : status.substatus) {
        shown.push_back(part.name + " [" + std::string(to_string(part.status)) + "] " + part.message);
    }
    EXPECT_EQ(shown,
              (std::vector<std::string>{
                  "guest-agent [error] broken; 1 check: extensions-disabled (broken).",
                  "backup-extension [success] Nothing is checked in this layer.",
                  "os-snapshot [success] healthy; 1 check.",
                  "managed-disk [success] Nothing is checked in this layer.",
                  "network [warning] unknown; 1 check: wire-server-unreachable (unknown).",
                  "vault [success] Nothing is checked in this layer.",
                  "extensions-disabled [error] broken: Extensions are switched off in waagent.conf. Extensions.Enabled "
                  "is n.\n/etc/waagent.conf:12: Extensions.Enabled=n (expected: Extensions.Enabled=y)\nservice "
                  "walinuxagent: running\nTo do: Set it to y. This extension can do it: set \"mode\" to \"fix\".",
                  "wire-server-unreachable [warning] unknown: The host cannot be reached. No answer.",
              }));
}

TEST(ReportStatus, RisksAloneAreNoFailureButAreSaid) {
    auto report = samples::broken_report();
    for (auto& outcome : report.outcomes) outcome.finding.weight = remediations::Weight::risk;
    const auto status = status_of(report, true);
    EXPECT_EQ(status.status, StatusWord::success);
    EXPECT_THAT(status.message,
                testing::HasSubstr("At risk (agent-stopped): Service walinuxagent is stopped. Start walinuxagent."));
    const auto cause = std::ranges::find(status.substatus, "agent-stopped", &Substatus::name);
    ASSERT_NE(cause, status.substatus.end());
    EXPECT_EQ(cause->status, StatusWord::warning);
}

}  // namespace
}  // namespace handler::report_status_test
