#include "remediations/knowledge/logs/failure_reader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "remediations/knowledge/logs/log_evidence.hpp"
#include "tests/remediations/knowledge/logs/log_machine.hpp"

namespace remediations::failure_reader_test {
namespace {

using log_machine::LogMachine;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

const machine::Path waagent = "/var/log/waagent.log";
const machine::Path backup = "/var/log/azure/Microsoft.Azure.RecoveryServices.VMSnapshotLinux";
const std::string context = "[Microsoft.Azure.RecoveryServices.VMSnapshotLinux-1.0]";

std::string now_form(const std::string& clock, const std::string& text) {
    return "2026-11-21 " + clock + ".000000 " + context + text + "\n";
}

std::string run(const std::string& hour, const std::string& lines, const std::string& code) {
    return now_form(hour + ":00:00", "starting enable") + lines +
           (code.empty() ? "" : now_form(hour + ":01:00", "Enable,success," + code + ",,False"));
}

std::vector<Failure> failures_in(const machine::Path& path, const std::string& log, const std::string& runs = "") {
    LogMachine vm;
    vm.files->add(path, log);
    if (!runs.empty()) vm.files->add(backup + "/extension.log", runs);
    return LogEvidence(vm.machine, {}).failures();
}

Failure failure_in(const machine::Path& path, const std::string& log) {
    const auto failures = failures_in(path, log);
    EXPECT_THAT(failures, SizeIs(1)) << log;
    return failures.empty() ? Failure{} : failures.back();
}

bool has_reason(const Failure& failure, Reason::Kind kind, std::int64_t number) {
    return std::ranges::any_of(failure.reasons,
                               [&](const Reason& reason) { return reason.kind == kind && reason.number == number; });
}

TEST(FailureWords, TellOfAFailure) {
    for (const char* text :
         {"Failed to FIFREEZE: /data with error message: busy", "cannot open it", "[Errno 5] Input/output error",
          "T:S Machine unable to sleep", "Snapshots are inconsistent", "required field empty or not correct",
          "Prescript file does not exist in the location /etc/azure/pre.sh", "ValueError: no digits",
          "request timed out", "/bin/sh: 1: openssl: not found", "error: 5", "Not able to parse the read value",
          "is it failed: True", "errorMsg: x error while reading", "Segmentation fault (core dumped)"}) {
        EXPECT_TRUE(tells_failure(text)) << text;
    }
}

TEST(FailureWords, FieldsThatSayNoneTellOfNone) {
    for (const char* text : {"errorMsg: None",
                             "error: None",
                             "errorMessage:  statusCode: 201",
                             "error : 0",
                             "isAnyFailed False",
                             "all_failed - False",
                             "failed - False",
                             "is size computation failed : False",
                             "timedout :False",
                             "defaults,errors=remount-ro 0 1",
                             "no error",
                             "without errors",
                             "\"error\": null",
                             "error:",
                             "error code: 0",
                             "reading /var/log/error.log",
                             "StatusCode.FailedPrepostPluginConfigNotFound",
                             "failed is False",
                             "enabled and starting",
                             "stderr b''",
                             "error: b''"}) {
        EXPECT_FALSE(tells_failure(text)) << text;
    }
}

TEST(FailureReader, AgentOfEveryAge) {
    for (const std::string head :
         {"2026/11/20 01:00:00 ERROR:", "2026/11/20 01:00:00.123456 ERROR ",
          "2026-11-20T01:00:00.123456Z ERROR Daemon ", "2026-11-20T01:00:00.123456Z ERROR ExtHandler ExtHandler ",
          "2026-11-20T01:00:00.123456Z ERROR ExtHandler "}) {
        const auto failure = failure_in(waagent, head + "The widget is gone: [Errno 13] Permission denied\n");
        EXPECT_EQ(failure.severity, Failure::Severity::error) << head;
        EXPECT_EQ(failure.layer, Layer::guest_agent);
        EXPECT_EQ(failure.quote.where, waagent + ":1");
        EXPECT_THAT(failure.quote.seen, EndsWith("The widget is gone: [Errno 13] Permission denied"));
        EXPECT_TRUE(has_reason(failure, Reason::Kind::errno_value, 13));
        EXPECT_FALSE(failure.is_noise);
    }
}

TEST(FailureReader, RecordGoesOnInLinesWithoutADate) {
    const auto failures =
        failures_in(waagent,
                    "2026-11-20T01:00:00.000000Z ERROR ExtHandler ExtHandler Command: [x], return code: "
                    "[127], result: [/bin/sh: 1: x: not found\n]\n"
                    "2026-11-20T01:00:01.000000Z INFO ExtHandler ExtHandler Executing ['ip']\n"
                    "default via 10.0.0.1\n"
                    "2026-11-20T01:00:02.000000Z WARNING ExtHandler ExtHandler Other thing\n");
    ASSERT_THAT(failures, SizeIs(2));
    EXPECT_THAT(failures[0].quote.seen, EndsWith("x: not found ]"));
    EXPECT_EQ(failures[1].severity, Failure::Severity::warning);
    EXPECT_THAT(failures[1].quote.seen, EndsWith("Other thing"));
}

TEST(FailureReader, TracebackIsOneFailureWithItsExceptions) {
    const auto failure =
        failure_in(waagent,
                   "2026-11-20T01:00:00.000000Z ERROR ExtHandler ExtHandler Event: name=WALA, op=UnhandledError, "
                   "message=Traceback (most recent call last):\n"
                   "  File \"/usr/a.py\", line 1, in run\n    go()\n    ^^^^\n"
                   "a.b.HttpError: [HttpError] GET http://168.63.129.16/machine/?comp=goalstate -- Status Code 500\n\n"
                   "During handling of the above exception, another exception occurred:\n\n"
                   "Traceback (most recent call last):\n  File \"/usr/b.py\", line 2, in say\n    say()\n"
                   "TypeError: unexpected argument\n, duration=0\n");
    EXPECT_EQ(failure.operation, "UnhandledError");
    EXPECT_EQ(failure.layer, Layer::network);
    EXPECT_TRUE(has_reason(failure, Reason::Kind::http, 500));
    EXPECT_THAT(failure.quote.seen, HasSubstr("Status Code 500"));
    EXPECT_THAT(failure.quote.seen, HasSubstr("TypeError: unexpected argument"));
    EXPECT_THAT(failure.quote.seen, Not(HasSubstr("line 1, in run")));
}

TEST(FailureReader, SameFactAsWarningAndAsEventIsOne) {
    const std::string warning = "2026-11-20T01:00:00.000000Z WARNING ExtHandler ExtHandler The thing broke: 5\n";
    const std::string event =
        "2026-11-20T01:00:00.100000Z ERROR ExtHandler ExtHandler Event: name=WALinuxAgent, op=Enable, message=The "
        "thing "
        "broke: 5, duration=0\n";
    const auto failure = failure_in(waagent, warning + event);
    EXPECT_EQ(failure.count, 1U);
    EXPECT_EQ(failure.operation, "Enable");
    EXPECT_EQ(failure.severity, Failure::Severity::error);
    EXPECT_EQ(failure_in(waagent, warning + event + warning).count, 2U);
}

TEST(FailureReader, LayerOfAgentsLines) {
    const auto layer_of = [](const std::string& text) {
        return failure_in(waagent, "2026-11-20T01:00:00.000000Z ERROR ExtHandler " + text + "\n").layer;
    };
    EXPECT_EQ(layer_of("ExtHandler Fetch failed: [HttpError] [HTTP Retry] GET https://a.example/b -- Status Code 403"),
              Layer::network);
    EXPECT_EQ(layer_of("[Microsoft.Azure.RecoveryServices.VMSnapshotLinux-1.0.9220.0] Failed to set state: x"),
              Layer::backup_extension);
    EXPECT_EQ(layer_of("ExtHandler Event: name=Microsoft.Azure.RecoveryServices.VMSnapshotLinux, op=Install, "
                       "message=Non-zero exit code: 126, duration=3"),
              Layer::backup_extension);
    EXPECT_EQ(layer_of("ExtHandler EnvHandler thread died, restarting"), Layer::guest_agent);
}

TEST(FailureReader, WhatNeverConcernsABackupIsNoise) {
    for (const char* text :
         {"ERROR ExtHandler ExtHandler Event: name=WALinuxAgent, op=AutoUpdate, message=, duration=0",
          "ERROR SendTelemetryHandler ExtHandler Event: name=WALinuxAgent, op=ReportEventErrors, "
          "message=DroppedEventsCount: 1, duration=0",
          "WARNING ExtHandler ExtHandler [CGW] The agent's process is not within a memory cgroup",
          "ERROR ExtHandler ExtHandler Event: name=Microsoft.Azure.Other.Thing, op=Enable, "
          "message=Non-zero exit code: 1, duration=0"}) {
        EXPECT_TRUE(failure_in(waagent, std::string("2026-11-20T01:00:00.000000Z ") + text + "\n").is_noise) << text;
    }
}

TEST(FailureReader, InfoIsReadByItsWords) {
    const auto failures = failures_in(
        waagent,
        "2026-11-20T01:00:00.000000Z INFO ExtHandler [Microsoft.Azure.RecoveryServices.VMSnapshotLinux-1.0] "
        "Command: main/handle.sh enable\n[stdout]\n\n[stderr]\nTraceback (most recent call last):\n"
        "  File \"main/handle.py\", line 19\nImportError: No module named imp\n"
        "2026-11-20T01:00:01.000000Z INFO ExtHandler ExtHandler UpdateGSErrors: 0\n");
    ASSERT_THAT(failures, SizeIs(1));
    EXPECT_EQ(failures[0].severity, Failure::Severity::unlevelled);
    EXPECT_THAT(failures[0].quote.seen, EndsWith("ImportError: No module named imp"));
}

TEST(FailureReader, RecoveryEndsAFailure) {
    const std::string fails =
        "2026-11-20T01:00:00.000000Z WARNING ExtHandler ExtHandler Fetching the goal state failed: [410: Gone]\n";
    const std::string works = "2026-11-20T01:01:00.000000Z INFO ExtHandler ExtHandler Fetch goal state completed\n";
    const auto counted = [](const std::string& clock, const std::string& count) {
        return "2026-11-20T" + clock + ":00.000000Z INFO ExtHandler ExtHandler [HEARTBEAT] running [DEBUG " +
               "UpdateGSErrors: " + count + ";]\n";
    };
    EXPECT_TRUE(failures_in(waagent, fails + works)[0].is_over);
    EXPECT_FALSE(failures_in(waagent, works + fails)[0].is_over);
    EXPECT_TRUE(failures_in(waagent, fails + counted("01:00", "0"))[0].is_over);
    EXPECT_TRUE(failures_in(waagent, fails + counted("01:29", "4"))[0].is_over) << "it would have failed again since";
    EXPECT_FALSE(failures_in(waagent, fails + counted("01:01", "4"))[0].is_over) << "too soon to count more";
    EXPECT_FALSE(failures_in(waagent, fails + counted("01:29", "290"))[0].is_over) << "it fails all the time";
}

TEST(FailureReader, WhatGoesOnFailingIsNoNoiseThoughItsLikeWasSeen) {
    const auto fails = [](const std::string& clock) {
        return "2026-11-21T" + clock + ":00.000000Z WARNING ExtHandler ExtHandler Fetching the goal state failed: x\n";
    };
    const std::string works = "2026-11-21T02:30:00.000000Z INFO ExtHandler ExtHandler Fetch goal state completed\n";
    const auto good = run("03", "", "1");
    EXPECT_TRUE(failures_in(waagent, fails("02:00") + works + fails("04:00"), good)[0].is_noise);
    const auto lasting =
        failures_in(waagent, fails("02:00") + works + fails("04:00") + fails("05:00") + fails("06:00"), good);
    EXPECT_FALSE(lasting[0].is_noise);
    EXPECT_FALSE(lasting[0].is_over);
}

TEST(FailureReader, ExtensionInEveryForm) {
    const struct {
        std::string log;
        Layer layer;
        Failure::Severity severity;
        const char* end;
    } cases[] = {
        {now_form("02:00:00", "Failed to read it with error: x, stack trace: Traceback (most recent call last):") +
             "  File \"/x/main/handle.py\", line 1, in a\n    open(path)\nOSError: [Errno 26] Text file busy\n\n" +
             now_form("02:00:01", "next"),
         Layer::backup_extension, Failure::Severity::unlevelled, "OSError: [Errno 26] Text file busy"},
        {"2026/11/21 02:00:00 " + context + "error: a thing, stack trace: Traceback (most recent call last):\n" +
             "2026/11/21 02:00:00   File \"/x/main/handle.py\", line 1, in a\n2026/11/21 02:00:00     open(path)\n"
             "2026/11/21 02:00:00 TypeError: 'NoneType' object is None\n2026/11/21 02:00:00 \n2026/11/21 02:00:01 " +
             context + "next\n",
         Layer::backup_extension, Failure::Severity::unlevelled, "TypeError: 'NoneType' object is None"},
        {"2026/11/21 02:00:00 ERROR:" + context + "JSON exception decoding settings file\n", Layer::backup_extension,
         Failure::Severity::error, "JSON exception decoding settings file"},
        {"2026/11/21 02:00:00.395918  Error  snapshot result inconsistent \n", Layer::os_snapshot,
         Failure::Severity::error, "snapshot result inconsistent"},
        {"2026/11/21 02:00:15 2026-11-21 02:00:14.754749  Warning  T:S thing failed \n", Layer::os_snapshot,
         Failure::Severity::warning, "T:S thing failed"},
        {now_form("02:00:00", "2026-11-21 02:00:00 Failed to FIFREEZE: /data with error message: busy"),
         Layer::os_snapshot, Failure::Severity::unlevelled, "busy"},
        {now_form("02:00:00", "Failed to call http with error: [Errno 111] Connection refused"), Layer::network,
         Failure::Severity::unlevelled, "Connection refused"},
    };
    for (const auto& one : cases) {
        const auto failure = failure_in(backup + "/extension.log", one.log);
        EXPECT_EQ(failure.layer, one.layer) << one.log;
        EXPECT_EQ(failure.severity, one.severity) << one.log;
        EXPECT_THAT(failure.quote.seen, EndsWith(one.end));
        EXPECT_THAT(failure.quote.seen, Not(HasSubstr("open(path)")));
    }
}

TEST(FailureReader, GoodRunsMakeNoise) {
    const auto caught = now_form("02:00:30",
                                 "Failed to get x with error: no x, stack trace: Traceback (most recent "
                                 "call last):") +
                        "  File \"a\", line 1, in b\nAttributeError: no x\n\n";
    auto of_today = caught;
    for (auto at = of_today.find("02:00"); at != std::string::npos; at = of_today.find("02:00")) {
        of_today.replace(at, 5, "05:00");
    }
    const auto log = backup + "/extension.log";
    const auto both = failures_in(log, run("02", caught, "1") + run("05", of_today, "2"));
    ASSERT_THAT(both, SizeIs(1));
    EXPECT_TRUE(both[0].is_noise);
    EXPECT_EQ(both[0].count, 2U);
    EXPECT_TRUE(both[0].in_failed_run);

    const auto first = failures_in(log, run("02", "", "1") + run("05", of_today, "2"));
    ASSERT_THAT(first, SizeIs(1));
    EXPECT_FALSE(first[0].is_noise);
    EXPECT_FALSE(first[0].is_over);
    EXPECT_TRUE(first[0].in_failed_run);

    const auto healed = failures_in(log, run("02", caught, "2") + run("05", "", "1"));
    EXPECT_FALSE(healed[0].is_noise);
    EXPECT_TRUE(healed[0].is_over);
    EXPECT_FALSE(healed[0].in_failed_run);
}

TEST(FailureReader, MoreThanGoodRunsShowIsNoNoise) {
    const auto lost = [](const std::string& hour) {
        return now_form(hour + ":00:30", "Failed to call http with error: timed out");
    };
    const auto log = backup + "/extension.log";
    const auto once = failures_in(log, run("02", lost("02"), "1") + run("05", lost("05"), "76"));
    EXPECT_TRUE(once[0].is_noise);
    const auto often =
        failures_in(log, run("02", lost("02"), "1") + run("05", lost("05") + lost("05") + lost("05"), "76"));
    EXPECT_FALSE(often[0].is_noise);
    EXPECT_TRUE(often[0].in_failed_run);
}

TEST(FailureReader, CaughtExceptionBehindTheResultIsOfThatRun) {
    const LogPattern exception{Log::extension, "AttributeError: no x"};
    LogMachine vm;
    vm.files->add(backup + "/extension.log",
                  run("02", "", "1") +
                      now_form("02:01:01",
                               "Failed to get x with error: no x, stack trace: Traceback (most recent call "
                               "last):") +
                      "  File \"a\", line 1, in b\nAttributeError: no x\n");
    const LogEvidence evidence(vm.machine, {exception});
    ASSERT_THAT(evidence.attempts(), SizeIs(1));
    EXPECT_TRUE(evidence.attempts()[0].succeeded.value());
    EXPECT_TRUE(evidence.find(Log::extension, exception.text));
    EXPECT_FALSE(evidence.find_current(Log::extension, exception.text)) << "the run went on to succeed";
    ASSERT_THAT(evidence.failures(), SizeIs(1));
    EXPECT_TRUE(evidence.failures()[0].is_noise);
}

TEST(FailureReader, RunThatBreaksOff) {
    const auto broke_off = [](const std::string& runs, bool booted_later) {
        LogMachine vm;
        vm.files->add(backup + "/extension.log", runs);
        // 2026-11-21 11:00:00
        if (booted_later) vm.files->add("/proc/stat", "cpu 1\nbtime 1795258800\n");
        const LogEvidence evidence(vm.machine, {});
        std::vector<bool> result;
        for (const auto& attempt : evidence.attempts()) result.push_back(attempt.broke_off);
        return result;
    };
    EXPECT_EQ(broke_off(run("10", "", ""), false), std::vector<bool>{false}) << "nothing says that it ended";
    EXPECT_EQ(broke_off(run("10", "", ""), true), std::vector<bool>{true});
    EXPECT_EQ(broke_off(run("10", "", "1"), true), std::vector<bool>{false});
    EXPECT_EQ(broke_off(run("02", "", "") + run("05", "", "1"), false), (std::vector<bool>{true, false}));
}

TEST(FailureReader, OtherLogsAreJudgedByTime) {
    const auto line = [](const std::string& clock) {
        return "2026-11-21T" + clock + ":00.000000Z WARNING ExtHandler ExtHandler A thing is odd\n";
    };
    const auto runs = run("03", "", "1") + run("06", "", "2");
    const auto before = failures_in(waagent, line("02:00") + line("06:00"), runs).front();
    EXPECT_TRUE(before.is_noise);
    const auto within = failures_in(waagent, line("06:00"), runs).front();
    EXPECT_FALSE(within.is_noise);
    EXPECT_TRUE(within.in_failed_run);
    const auto later = failures_in(waagent, line("08:00"), runs).front();
    EXPECT_FALSE(later.is_noise);
    EXPECT_FALSE(later.in_failed_run);
}

TEST(FailureReader, ShellLogInAnyLanguage) {
    const auto log = backup + "/shell.log";
    EXPECT_EQ(failure_in(log, "Mon Nov 30 09:05:25 UTC 2026- 1 returned from handle.py\n").layer,
              Layer::backup_extension);
    const auto german = failure_in(log, "Mo 30. Nov 09:05:25 UTC 2026- 3 returned from handle.py\n");
    EXPECT_EQ(german.operation, "Run handle.py");
    EXPECT_FALSE(german.is_over);
    EXPECT_TRUE(failure_in(log,
                           "Mo 30. Nov 09:05:25 UTC 2026- 1 returned from handle.py\n"
                           "Mo 30. Nov 09:05:26 UTC 2026- 0 returned from handle.py\n")
                    .is_over)
        << "the next Python did it";
}

TEST(FailureReader, KernelTellsOfDisksAndMemory) {
    const auto log = machine::Path("/var/log/kern.log");
    const auto failures =
        failures_in(log,
                    "Nov 21 01:00:00 vm1 kernel: [12.345678] EXT4-fs error (device sdc1): ext4_find_entry: reading\n"
                    "Nov 21 01:00:01 vm1 kernel: [13.345678] Memory cgroup out of memory: Killed process 1 (java)\n"
                    "Nov 21 01:00:02 vm1 kernel: [14.345678] Out of memory: Killed process 2 (python3)\n"
                    "Nov 21 01:00:03 vm1 kernel: [15.345678] XFS (sda2): Mounting V5 Filesystem\n"
                    "Nov 21 01:00:04 vm1 kernel: [16.345678] I/O error, dev sdc, sector 8 op 0x0:(READ)\n");
    ASSERT_THAT(failures, SizeIs(3));
    EXPECT_EQ(failures[0].layer, Layer::os_snapshot);
    EXPECT_EQ(failures[1].layer, Layer::guest_agent);
    EXPECT_EQ(failures[2].layer, Layer::managed_disk);
    EXPECT_EQ(failures[2].component, "The kernel");
}

TEST(FailureReader, SystemdOnTheAgentsUnit) {
    const auto failures = failures_in(
        "/var/log/syslog",
        "2026-11-20T01:00:00.000000+00:00 vm1 systemd[1]: walinuxagent.service: Main process exited, code=exited, "
        "status=203/EXEC\n"
        "2026-11-20T01:00:00.500000+00:00 vm1 systemd[1]: cron.service: Main process exited, code=exited, status=1/F\n"
        "2026-11-20T01:00:01.000000+00:00 vm1 systemd[1]: Started walinuxagent.service - Azure Linux Agent.\n");
    const auto of_unit = std::ranges::count_if(failures, [](const Failure& one) { return one.component == "systemd"; });
    EXPECT_EQ(of_unit, static_cast<std::ptrdiff_t>(failures.size()));
    ASSERT_FALSE(failures.empty());
    EXPECT_THAT(failures[0].quote.seen, EndsWith("status=203/EXEC"));
    for (const auto& one : failures) EXPECT_EQ(one.layer, Layer::guest_agent);
}

TEST(FailureReader, SystemLogGivesTheAgentsRecordWithItsLines) {
    const auto failures =
        failures_in("/var/log/syslog",
                    "2026-11-20T01:00:00.000000+00:00 vm1 python3.6[9]: 2026-11-20T01:00:00.000000Z ERROR "
                    "ExtHandler ExtHandler Reading waagent state failed: Traceback (most recent call last):\n"
                    "2026-11-20T01:00:00.000000+00:00 vm1 cron[3]: error of another\n");
    ASSERT_THAT(failures, SizeIs(1));
    EXPECT_THAT(failures[0].quote.seen, HasSubstr("state failed"));
}

TEST(FailureReader, WindowsLogs) {
    const auto failures_on_windows = [](const machine::Path& path, const std::string& log) {
        LogMachine vm(machine::Platform::windows);
        vm.files->add(path, log);
        return LogEvidence(vm.machine, {}).failures();
    };
    const machine::Path logs = "C:\\WindowsAzure\\Logs";
    const auto agent = failures_on_windows(
        logs + "\\WaAppAgent.log",
        "[00000004] 2026-11-16T02:00:25Z [INFO]  all well\n"
        "[00000004] 2026-11-16T02:00:26Z [ERROR] Upload() failed with exception: A: one ---> B: zwei (0x80070005)\n"
        "   bei Ns.Type.Method(String x)\n   --- Ende der internen Ausnahme ---\n"
        "[00000018] [11/16/2026 02:00:27.57] [WARN]  slow\n");
    ASSERT_THAT(agent, SizeIs(2));
    EXPECT_EQ(agent[0].severity, Failure::Severity::error);
    EXPECT_THAT(agent[0].quote.seen, EndsWith("B: zwei (0x80070005)"));
    EXPECT_EQ(agent[1].severity, Failure::Severity::warning);

    const auto extension = failures_on_windows(
        logs + "\\Plugins\\Microsoft.Azure.RecoveryServices.VMSnapshot\\1.0.95.0\\IaaSBcdrExtension1.log",
        "2026-11-21T01:00:00.5011000Z [Info]: Loading configuration {ConfigFile = x}\n"
        "2026-11-21T01:01:00.5011000Z [Error]: Snapshot failed {Exception = "
        "System.Runtime.InteropServices.COMException "
        "(0x80042306): text\n   at A.B.C(Int32 d)\n}\n"
        "2026-11-21T01:01:01.5011000Z [Info]: DoSnapshot=complete. WaitResult:True, AnySnapshotFailed:True, "
        "AllSnapshotFailed:True\n");
    ASSERT_FALSE(extension.empty());
    EXPECT_EQ(extension[0].layer, Layer::os_snapshot);
    EXPECT_TRUE(has_reason(extension[0], Reason::Kind::hresult, 0x80042306));
    EXPECT_TRUE(extension[0].in_failed_run);
}

TEST(FailureReader, DecisiveWordsAreNotCut) {
    const std::string path(700, 'p');
    const auto failure = failure_in(waagent, "2026-11-20T01:00:00.000000Z ERROR ExtHandler ExtHandler Cannot use /" +
                                                 path + ": [Errno 28] No space left on device\n");
    EXPECT_THAT(failure.quote.seen, EndsWith("[Errno 28] No space left on device"));
    const auto long_one = failure_in(waagent, "2026-11-20T01:00:00.000000Z ERROR ExtHandler ExtHandler Cannot use /" +
                                                  std::string(6000, 'p') + ": [Errno 28] No space left on device\n");
    EXPECT_THAT(long_one.quote.seen, HasSubstr("Cannot use"));
    EXPECT_THAT(long_one.quote.seen, EndsWith("[Errno 28] No space left on device"));
    EXPECT_LE(long_one.quote.seen.size(), LogLine::longest_text + 32);
}

TEST(FailureReader, SecretsAreRedacted) {
    const auto failure =
        failure_in(waagent,
                   "2026-11-20T01:00:00.000000Z ERROR ExtHandler ExtHandler Cannot get "
                   "https://a.blob.core.windows.net/b?sv=1&sig=c2VjcmV0c2VjcmV0c2VjcmV0&se=2 : timed out\n");
    EXPECT_THAT(failure.quote.seen, Not(HasSubstr("c2VjcmV0")));
}

TEST(FailureReader, MillionsOfShapesCostNoMemory) {
    std::string log;
    const auto word = [](std::size_t number) {
        std::string result;
        for (; number > 0; number /= 26) result += static_cast<char>('a' + number % 26);
        return result;
    };
    for (std::size_t i = 0; i < 20'000; ++i) {
        log += "2026-11-20T01:00:00.000000Z ERROR ExtHandler ExtHandler Cannot " + word(i) + "\n";
    }
    LogMachine vm;
    vm.files->add(waagent, log);
    const LogEvidence evidence(vm.machine, {});
    EXPECT_LE(evidence.failures().size(), FailureCollector::most_shapes_in_all);
    EXPECT_EQ(evidence.failures().size() + evidence.dropped_failures(), 20'000U);
    EXPECT_THAT(evidence.failures().back().quote.seen, EndsWith("Cannot " + word(19'999)));
}

}  // namespace
}  // namespace remediations::failure_reader_test
