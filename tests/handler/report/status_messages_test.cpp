// What the portal shows for the commonest outcomes, all in status_messages.txt, where a person can review it. To write
// that file anew: STATUS_MESSAGES=tests/handler/report/status_messages.txt test-handler
// --gtest_filter='StatusMessages.*'
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <functional>
#include <iterator>

#include "handler/report/plain_text.hpp"
#include "handler/report/report_status.hpp"
#include "remediations/machine/recorded/capture.hpp"
#include "test_data.hpp"
#include "tests/capture_folder.hpp"
#include "tests/temporary_folder.hpp"

namespace handler::status_messages_test {
namespace {

using remediations::Report;
using remediations::RunMode;

constexpr auto run_id = "20261121T014907Z-0001";

struct Case {
    const char* title;
    const char* capture;  ///< of tests/captures
    RunMode mode;
    const char* error_code = "";
};

constexpr Case cases[] = {
    {"Nothing is wrong", "linux/healthy", RunMode::diagnose},
    {"Nothing is wrong, and the error code says that the cause lies in Azure", "linux/vault-lock", RunMode::fix},
    {"Nothing is wrong in the VM, although Azure reports an error that could come from it", "linux/healthy",
     RunMode::diagnose, "UserErrorGuestAgentStatusUnavailable"},
    {"The guest agent does not run: diagnosed", "linux/agent-stopped", RunMode::diagnose},
    {"The guest agent does not run: repaired", "linux/agent-stopped", RunMode::fix},
    {"Extensions are switched off: repaired", "linux/extensions-disabled", RunMode::fix},
    {"The guest agent hangs: repaired", "linux/agent-hung-heartbeat-stale", RunMode::fix},
    {"A full disk: a person must act", "linux/agent-log-partition-full", RunMode::fix},
    {"The guest agent's Python is gone: a person must act", "linux/agent-python-removed", RunMode::fix},
    {"A firewall in the VM blocks the platform: diagnosed", "linux/firewall-iptables-rejects", RunMode::diagnose},
    {"The platform does not answer, and nothing in the VM blocks it", "linux/wire-server-unreachable", RunMode::fix},
    {"Another extension failed, which is a risk: a person must act", "linux/other-extension-failed", RunMode::fix},
    {"Files of the backup extension are missing: repaired", "linux/extension-files-missing-restored-from-package",
     RunMode::fix},
    {"A file system was mounted twice and could not be frozen: repaired",
     "linux/snapshot-mount-twice-on-one-folder-failed-as-busy", RunMode::fix},
    {"The administrator's script failed, which is a risk: the backup was taken all the same",
     "linux/snapshot-scripts-pre-script-failed", RunMode::fix},
    {"A repair disturbs more than was allowed", "windows/msdtc-missing-needs-approval", RunMode::fix},
    {"COM+ is disabled, perhaps on purpose: a person must allow it", "windows/com-plus-disabled", RunMode::fix},
    {"Two causes", "linux/two-causes-earliest-layer-is-root", RunMode::diagnose},
    {"Two risks, and nobody asked to repair risks", "linux/agent-old-is-a-risk", RunMode::fix},
    {"A backup is running: nothing is repaired now", "linux/backup-is-running-nothing-is-touched", RunMode::fix},
    {"Not everything could be looked at", "linux/agent-configuration-unreadable", RunMode::diagnose},
};

Report run(const Case& one) {
    const std::filesystem::path capture = std::filesystem::path(TEST_DATA "/captures") / one.capture;
    const tests::CaptureFolder whole(capture);
    const tests::TemporaryFolder state;
    auto machine = machine::recorded::load(whole.path());
    if (!machine) throw std::runtime_error(machine.error().message);
    remediations::RunOptions options;
    options.mode = one.mode;
    options.error_code = one.error_code;
    const auto expected = tests::expected_of(capture);
    if (const auto* code = expected.if_contains("errorCode")) options.error_code = code->as_string();
    auto report = remediations::run(options, *machine, state.path());
    if (!report) throw std::runtime_error(report.error().message);
    if (!report->run_id.empty()) report->run_id = run_id;
    return std::move(*report);
}

Status shown_for(const Case& one) {
    const auto report = run(one);
    auto status = status_of(report, false);
    if (report.machine.platform == machine::Platform::windows) {
        add_pointers(status, report,
                     "C:\\Packages\\Plugins\\Community.Backup.BackupRemediation\\1.0.0.0\\bin\\backup-remediation.exe",
                     "C:\\WindowsAzure\\Logs\\Plugins\\Community.Backup.BackupRemediation\\1.0.0.0\\"
                     "backup-remediation-report-20261121T014907Z.html");
    } else {
        add_pointers(
            status, report,
            "/var/lib/waagent/Community.Backup.BackupRemediationLinux-1.0.0.0/bin/x86_64/backup-remediation",
            "/var/log/azure/Community.Backup.BackupRemediationLinux/backup-remediation-report-20261121T014907Z.html");
    }
    return status;
}

std::string paragraph(int number, const std::string& title, const Status& status) {
    auto text = fmt::format("\n{}. {}\n   {}\n", number, title, to_string(status.status));
    for (const auto& line : wrap(status.message, 112)) text += "       " + line + "\n";
    return text;
}

std::string all_messages() {
    std::string text =
        "What the portal shows for the commonest outcomes: the status word and the message of the extension.\n"
        "Made by status_messages_test.cpp from recorded machines. A message should say first what to do, name what "
        "was\n"
        "seen, say what was changed, and end with where to read on and how to take the changes back.\n";
    int number = 0;
    for (const auto& one : cases) text += paragraph(++number, one.title, shown_for(one));
    text +=
        paragraph(++number, "The settings are no good",
                  settings_invalid({"publicSettings.mode: \"repair\" is no mode; expected \"diagnose\" or \"fix\""}));
    text += paragraph(++number, "It is at work", in_progress("Running: diagnosing"));
    text += paragraph(++number, "It died while it repaired",
                      worker_ended("died with exit code 137", run_id,
                                   "/var/lib/waagent/Community.Backup.BackupRemediationLinux-1.0.0.0/bin/x86_64/"
                                   "backup-remediation"));
    text += paragraph(++number, "It could not begin",
                      could_not_work("/var/lib/backup-remediation: No space left on device"));
    return text;
}

TEST(StatusMessages, AreAsReviewed) {
    const auto actual = all_messages();
    if (const char* file = std::getenv("STATUS_MESSAGES")) {
        std::ofstream(file) << actual;
        GTEST_SKIP() << "written to " << file;
    }
    std::ifstream file(TEST_DATA "/handler/report/status_messages.txt");
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), actual);
}

TEST(StatusMessages, FitTheAgentsLimit) {
    for (const auto& one : cases) {
        EXPECT_LE(shown_for(one).message.size(), status_message_limit) << one.title;
    }
}

}  // namespace
}  // namespace handler::status_messages_test
