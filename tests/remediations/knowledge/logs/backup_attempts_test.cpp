#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "remediations/knowledge/logs/attempt_reader.hpp"
#include "remediations/knowledge/logs/log_evidence.hpp"
#include "tests/remediations/knowledge/logs/log_machine.hpp"

namespace remediations::backup_attempts_test {
namespace {

using log_machine::LogMachine;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

const machine::Path extension_log = "/var/log/azure/Microsoft.Azure.RecoveryServices.VMSnapshotLinux/extension.log";

/// Every line of `text` as today's extension writes it, one a second from 02:00.
std::string logged(const std::string& text, int hour = 2) {
    std::istringstream lines(text);
    std::string result;
    int second = 0;
    for (std::string line; std::getline(lines, line); ++second) {
        char prefix[128];
        std::snprintf(prefix, sizeof prefix,
                      "2026-11-21 %02d:%02d:%02d.000000 [Microsoft.Azure.RecoveryServices.VMSnapshotLinux-1.0]", hour,
                      second / 60, second % 60);
        result += prefix + line + "\n";
    }
    return result;
}

std::vector<BackupAttempt> attempts_in(const std::string& log) {
    LogMachine vm;
    vm.files->add(extension_log, log);
    return LogEvidence(vm.machine, {}).attempts();
}

BackupAttempt attempt_in(const std::string& log) {
    const auto attempts = attempts_in(log);
    EXPECT_EQ(attempts.size(), 1U);
    return attempts.empty() ? BackupAttempt{} : attempts.back();
}

const std::string begin =
    "starting enable\n"
    "Enable,success,4,Transitioning state in extension,False\n"
    "starting daemon initially\n"
    "starting daemon for freezing the file system\n"
    "snapshotMethodConfigValue : firstHostThenGuest\n"
    "PreSnapshot: Status Code: 200\n"
    "Enable,success,4,Transitioning state in extension,False\n"
    "Failed to call http with error: timed out, stack trace: Traceback (most recent call last):\n";

TEST(BackupAttempts, GoodRun) {
    const auto attempt = attempt_in(logged(
        begin +
        "****** 1. Starting Freeze Binary \n****** 4. Freeze Completed (Signal=1 received)\nT:S doing snapshot now...\n"
        "****** 5. Snaphotting (Host) Started\n****** 6. Snaphotting (Host) Completed\n"
        "****** 7. Sending Thaw Signal to Binary\n****** 9. Binary Process completed (Signal=2 received)\n"
        "****** 2. Binary Freeze Started \n****** 3. Binary Freeze Completed \n****** 8. Binary Thaw Signal Received \n"
        "Enable,success,1,,False\nfile status report message:\n"
        "[{\"m\": \"snapshotCreator=backupHostService, hostStatusCodePreSnapshot=200, hostStatusCodeDoSnapshot=201, "
        "\"}]\n"));
    EXPECT_EQ(attempt.succeeded, true);
    EXPECT_EQ(attempt.result, 1);
    EXPECT_EQ(attempt.last_step, 9);
    EXPECT_EQ(attempt.snapshot_method, "firstHostThenGuest");
    EXPECT_EQ(attempt.host_pre_snapshot, 200);
    EXPECT_EQ(attempt.host_do_snapshot, 201);
    EXPECT_THAT(attempt.decisive.file, IsEmpty());
    EXPECT_EQ(attempt.started, log_machine::now - std::chrono::hours(10));
    EXPECT_EQ(attempt.ended, log_machine::now - std::chrono::hours(10) + std::chrono::seconds(20));
}

TEST(BackupAttempts, FreezeThatFailedNamesMountAndReason) {
    const auto attempt = attempt_in(logged(
        begin +
        "****** 1. Starting Freeze Binary \n============== Binary output traces start ================= \n"
        "2026-11-21 03:00:01 ****** 2. Binary Freeze Started \n2026-11-21 03:00:01 Freezing: /var/my data\n"
        "2026-11-21 03:00:01 Failed to FIFREEZE: /var/my data with error message: Device or resource busy\n"
        "2026-11-21 03:00:01 Failed to FITHAW: /var/my data with error message : Invalid argument\n"
        "freeze failed for some mount\n"
        "T:S Enable failed with error: freeze failed for some mount\n StatusCode.FailedRetryableFsFreezeFailed,\n"
        "Enable,error,121,,True\nFailed to get the waagent log with error: x, stack trace: Traceback\n"));
    EXPECT_EQ(attempt.succeeded, false);
    EXPECT_EQ(attempt.result, 121);
    EXPECT_EQ(attempt.last_step, 2);
    ASSERT_EQ(attempt.freeze_failures.size(), 1U);
    EXPECT_EQ(attempt.freeze_failures[0].mount, "/var/my data");
    EXPECT_EQ(attempt.freeze_failures[0].reason, "Device or resource busy");
    EXPECT_THAT(attempt.decisive.text, StartsWith("Failed to FIFREEZE: /var/my data"));
    EXPECT_EQ(attempt.decisive.number, 13U);
    EXPECT_EQ(attempt.decisive.time, log_machine::now - std::chrono::hours(10) + std::chrono::seconds(12))
        << "not safefreeze's own time, which is local";
}

const std::string good = begin + "****** 1. Starting Freeze Binary \nEnable,success,1,,False\n";

TEST(BackupAttempts, LogThatBeginsWithinARunTellsOfIt) {
    const auto attempt = attempt_in(logged("Failed to FIFREEZE: /data with error message: Input/output error\n"));
    EXPECT_EQ(attempt.succeeded, std::nullopt);
    ASSERT_EQ(attempt.freeze_failures.size(), 1U);
    EXPECT_EQ(attempt.freeze_failures[0].mount, "/data");
}

TEST(BackupAttempts, WhatComesLongAfterAResultIsAnotherRun) {
    const auto attempts = attempts_in(logged(good) + logged("T:S snapshot result: errorcode: 409\n", 5));
    ASSERT_EQ(attempts.size(), 2U);
    EXPECT_EQ(attempts[0].succeeded, true);
    EXPECT_EQ(attempts[1].succeeded, std::nullopt);
    EXPECT_THAT(attempts[1].decisive.text, HasSubstr("409"));
    EXPECT_LT(attempts[0].end_position, attempts[1].end_position);
}

TEST(BackupAttempts, WhatComesRightAfterAResultBelongsToIt) {
    const auto attempt = attempt_in(logged(good + "Failed to call http with error: timed out, stack trace: x\n"));
    EXPECT_EQ(attempt.succeeded, true);
}

TEST(BackupAttempts, LinesWithoutDatesAfterDatedOnesAreAnotherRun) {
    const auto attempts = attempts_in(logged(good) + "Failed to open: /data with error: -1 and error message: x\n" +
                                      "Enable,error,123,,True\n");
    ASSERT_EQ(attempts.size(), 2U);
    EXPECT_EQ(attempts[0].result, 1);
    EXPECT_EQ(attempts[1].result, 123);
    EXPECT_EQ(attempts[1].freeze_failures.size(), 1U);
}

TEST(BackupAttempts, LogWithoutAnyDates) {
    const auto attempts = attempts_in(good + "Enable failed for the waagent log, stack trace: x\n");
    ASSERT_EQ(attempts.size(), 1U);
    EXPECT_EQ(attempts[0].succeeded, true);
}

TEST(BackupAttempts, MountsInEveryForm) {
    const struct {
        const char* line;
        const char* mount;
        const char* reason;
    } cases[] = {
        {"Failed to open: /data with error: -1 and error message: Stale file handle", "/data", "Stale file handle"},
        {"Failed to stat: /data with error message: Input/output error", "/data", "Input/output error"},
        {"Path not a directory: /etc/resolv.conf", "/etc/resolv.conf", ""},
        {"Failed to FIFREEZE: /old", "/old", ""},
        {"Failed to open: ", "", ""},
    };
    for (const auto& one : cases) {
        const auto attempt = attempt_in(logged(begin + one.line + "\nEnable,error,123,,True\n"));
        ASSERT_EQ(attempt.freeze_failures.size(), 1U) << one.line;
        EXPECT_EQ(attempt.freeze_failures[0].mount, one.mount);
        EXPECT_EQ(attempt.freeze_failures[0].reason, one.reason);
        EXPECT_EQ(attempt.decisive.text, std::string(one.line).substr(0, attempt.decisive.text.size()));
    }
    std::string many;
    for (int i = 0; i < 100; ++i) many += "Failed to open: /m" + std::to_string(i) + "\n";
    EXPECT_EQ(attempt_in(logged(begin + many)).freeze_failures.size(), 20U);
}

TEST(BackupAttempts, DecisiveLineIsNotTheCatchAll) {
    const std::string catch_all = "T:S Enable failed with FailedRetryableSnapshotFailedNoNetwork error StatusCode.x,\n";
    const std::string snapshot = "****** 5. Snaphotting (Guest-seq) Started\n";
    const struct {
        std::string lines;
        const char* result;
        const char* decisive;
    } cases[] = {
        {snapshot + " snapshot resp status: 409\nIsSuccessful:False, SnapshotUri:None, ErrorMessage:conflict\n" +
             catch_all,
         "Enable,success,76,,False", "IsSuccessful:False, SnapshotUri:None, ErrorMessage:conflict"},
        {snapshot +
             "Failed to do the snapshot with error: __init__() takes exactly 2 arguments (1 given), stack trace: "
             "Traceback (most recent call last):\n" +
             catch_all,
         "Enable,success,76,,False", "Failed to do the snapshot with error: __init__() takes exactly 2 arguments"},
        {"****** 5. Snaphotting (Host) Started\ndosnapshot Hitting wrong WireServer IP\n" + catch_all,
         "Enable,success,76,,False", "dosnapshot Hitting wrong WireServer IP"},
        {"****** 5. Snaphotting (Host) Started\ndosnapshot responseBody: { \"error\" : {\"code\": \"x\"}}\n" +
             catch_all,
         "Enable,success,76,,False", "dosnapshot responseBody: { \"error\""},
        {catch_all, "Enable,success,76,,False", "Failed to call http with error: timed out"},
        {"CRP timeout limit has reached, will not take snapshot.\n",
         "Enable,error,402,CRP timeout limit has reached, will not take snapshot.,False", "CRP timeout limit"},
        {"ERROR:CalledProcessError.  Command result was Error opening recipient certificate file /x.crt\n"
         "unable to load certificate\n",
         "Enable,error,16,unable to load certificate,False", "ERROR:CalledProcessError.  Command result was Error"},
        {"Prescript for ScriptRunner timed out.\nPreScript failed for the plugin ScriptRunner StatusCode.x,\n",
         "Enable,error,308,PreScript failed for the plugin ScriptRunner,False", "PreScript failed for the plugin"},
        {"inside while with sig_handle 0\nfreeze timed-out\n"
         "T:S ###### Enable failed with error: freeze took longer than timeout StatusCode.x,\n",
         "Enable,error,122,,True", "T:S ###### Enable failed with error: freeze took longer than timeout"},
        {"Mount Points already freezed by some other processor\n"
         "T:S Enable failed with error: Mount Points already freezed by some other processor\n",
         "Enable,error,121,,True", "Mount Points already freezed by some other processor"},
    };
    for (const auto& one : cases) {
        const auto attempt = attempt_in(logged(begin + one.lines + one.result + "\n"));
        EXPECT_THAT(attempt.decisive.text, StartsWith(one.decisive)) << one.lines;
        EXPECT_EQ(attempt.succeeded, false) << one.result;
    }
    const auto only = attempt_in(logged("starting enable\nEnable,error,2,Failed to call the daemon,False\n"));
    EXPECT_EQ(only.decisive.text, "Enable,error,2,Failed to call the daemon,False") << "there is nothing better";
    EXPECT_EQ(only.result_text, "Failed to call the daemon");
}

TEST(BackupAttempts, RestrictedNetworkIsToldFromNoNetwork) {
    const auto attempt = attempt_in(
        logged(begin + "T:S Enable failed with FailedRetryableSnapshotFailedRestrictedNetwork errror "
                       "StatusCode.FailedRetryableSnapshotFailedRestrictedNetwork,\nEnable,error,76,,False\n"));
    EXPECT_EQ(attempt.result, 761);
}

TEST(BackupAttempts, RunThatHasNothingToDoIsNone) {
    const auto attempts =
        attempts_in(logged(begin + "****** 1. Starting Freeze Binary \n", 1) +
                    logged("starting enable\nthe sequence number are same, so skip, current:7== last:7\n", 2) +
                    logged("Enable,success,1,,False\n", 3));
    ASSERT_EQ(attempts.size(), 1U) << "the first one was still at work";
    EXPECT_EQ(attempts[0].succeeded, true);
    EXPECT_EQ(attempts[0].last_step, 1);
    EXPECT_THAT(
        attempts_in(logged("starting enable\nTaskId is same as last, so skip with Processed Status, current:a== "
                           "last:a\nTaskId AlreadyProcessed nothing to do\n")),
        IsEmpty());
}

TEST(BackupAttempts, RunsFollowEachOther) {
    const auto attempts = attempts_in(logged(begin + "Enable,error,121,,True\n", 1) + logged(begin, 2) +
                                      logged(begin + "Enable,success,0,Enable Succeeded with App,False\n", 3));
    ASSERT_EQ(attempts.size(), 3U);
    EXPECT_EQ(attempts[0].succeeded, false);
    EXPECT_FALSE(attempts[1].succeeded) << "broke off";
    EXPECT_FALSE(attempts[1].result);
    EXPECT_EQ(attempts[2].succeeded, true);
}

TEST(BackupAttempts, TheNewestHundredAreKept) {
    std::string log;
    for (int i = 0; i < 250; ++i) {
        log += logged("starting enable\nEnable,error," + std::to_string(1000 + i) + ",,True\n");
    }
    log += logged("starting enable\nthe sequence number are same, so skip\n");
    const auto attempts = attempts_in(log);
    ASSERT_EQ(attempts.size(), 100U);
    EXPECT_EQ(attempts.front().result, 1150);
    EXPECT_EQ(attempts.back().result, 1249);
}

TEST(BackupAttempts, LogThatBeginsWithinARun) {
    const auto attempt = attempt_in(logged("****** 6. Snaphotting (Host) Completed\nEnable,success,1,,False\n"));
    EXPECT_EQ(attempt.last_step, 6);
    EXPECT_EQ(attempt.succeeded, true);
}

TEST(BackupAttempts, FormatOf2016) {
    const std::string outer = "2016/12/10 01:11:00 ";
    const std::string bracket = outer + "[Microsoft.Azure.RecoveryServices.VMSnapshotLinux-1.0]";
    const std::string inner = bracket + "2016-12-10 01:11:00.519872  ";
    const auto attempt =
        attempt_in(inner + "Info  starting to enable \n" + outer + "\n" +                                         //
                   bracket + "Enable,transitioning,1,Enabling\n" +                                                //
                   inner + "Info  starting daemon \n" +                                                           //
                   inner + "Info  T:S doing snapshot now... \n" +                                                 //
                   inner + "Error  T:S snapshot result: errorcode: 409 \n" + inner + "Error  Enable failed \n" +  //
                   bracket + "Enable,error,2,T:S Enable failed with error: errorcode: 409 sasuri None\n");
    EXPECT_EQ(attempt.result, 2);
    EXPECT_EQ(attempt.succeeded, false);
    EXPECT_EQ(attempt.result_text, "T:S Enable failed with error: errorcode: 409 sasuri None");
    EXPECT_THAT(attempt.decisive.text, HasSubstr("T:S snapshot result: errorcode: 409"));
}

TEST(BackupAttempts, HungAfterTheFreezeTimedOut) {
    // L-FRZ-004: the last line is the begin of the freezer's output.
    const auto attempt = attempt_in(
        logged(begin + "T:S freeze, timeout value 60 \nfsfreeze mount :[SWAP] \nfsfreeze mount :/oracle/SID/oraflash \n"
                       "inside while with sig_handle 0 \nBinary output for signal handled: 0 \n"
                       "freeze_safe after returning from startproc : sig_handle=0 \n"
                       "============== Binary output traces start =================  \n"));
    EXPECT_FALSE(attempt.succeeded);
    EXPECT_EQ(attempt.last_step, 0);
}

TEST(BackupAttempts, HostileLinesAreHarmless) {
    for (const std::string line :
         {"Enable,", "Enable,,", "Enable,error,", "Enable,error,x,", "Enable,error,99999999999999999999,a", "****** ",
          "****** 99999999999999999999.", "****** 0. x", "****** 10. x",
          "hostStatusCodePreSnapshot=", "PreSnapshot: Status Code: None",
          "snapshotMethodConfigValue : ", "Error: ", "Failed to FIFREEZE:  with error"}) {
        const auto attempts = attempts_in(logged(line + "\n") + logged(begin + line + "\nEnable,success,1,,False\n"));
        ASSERT_FALSE(attempts.empty()) << line;
        EXPECT_EQ(attempts.back().result, 1) << line;
        EXPECT_EQ(attempts.back().last_step, line.starts_with("****** 1") ? 0 : attempts.back().last_step);
    }
}

std::vector<BackupAttempt> windows_attempts(const std::vector<std::pair<std::string, std::string>>& files) {
    LogMachine vm(machine::Platform::windows);
    auto age = std::chrono::hours(100);
    for (const auto& [name, text] : files) {
        vm.files->add("C:\\WindowsAzure\\Logs\\Plugins\\Microsoft.Azure.RecoveryServices.VMSnapshot\\" + name, text,
                      --age);
    }
    return LogEvidence(vm.machine, {}).attempts();
}

TEST(BackupAttempts, WindowsHasAFileForEach) {
    const std::string time = "2026-11-21T07:52:28.8611188Z ";
    const std::string start = "\xEF\xBB\xBF" + time + "[Info]: Loading configuration {ConfigFile = x}\r\n" + time +
                              "[Info]: VCRedist installation state { isVCRedist2013Installed = True }\r\n";
    const auto attempts = windows_attempts(
        {{"1.0.0.1\\IaaSBcdrExtension9.log", start + time + "[Error]: something\r\n" + time +
                                                 "[Error]: Install provider failed {Exception = "
                                                 "System.Runtime.InteropServices.COMException (0x80110401)\r\n"},
         {"1.0.0.2\\IaaSBcdrExtension10.log",
          start + time + "[Info]: Waiting for DoSnapshotSet\r\n" + time +
              "[Info]: DoSnapshot=complete. WaitResult:True, AnySnapshotFailed:True, AllSnapshotFailed:False\r\n"},
         {"1.0.0.2\\IaaSBcdrExtension11.log",
          start + time + "[Info]: DoSnapshotHost=complete.\r\n" + time +
              "[Info]: DoSnapshot=complete. WaitResult:True, AnySnapshotFailed:False, AllSnapshotFailed:False\r\n"}});
    ASSERT_EQ(attempts.size(), 3U);
    EXPECT_FALSE(attempts[0].succeeded);
    EXPECT_EQ(attempts[0].phase, BackupPhase::provider);
    EXPECT_THAT(attempts[0].decisive.text, StartsWith("[Error]: Install provider failed {Exception"));
    EXPECT_EQ(attempts[1].succeeded, false);
    EXPECT_THAT(attempts[1].decisive.text, HasSubstr("AnySnapshotFailed:True"));
    EXPECT_EQ(attempts[2].succeeded, true);
    EXPECT_EQ(attempts[2].phase, BackupPhase::finished);
    EXPECT_THAT(attempts[2].decisive.file, IsEmpty());
}

TEST(BackupAttempts, LastWordsAreThoseOfTheExtension) {
    EXPECT_TRUE(AttemptReader::is_last_word("2026-11-21 01:00:09Z Enable,error,2,,False"));
    EXPECT_TRUE(AttemptReader::is_last_word("T:S Enable failed with FailedRetryableSnapshotFailedNoNetwork error"));
    EXPECT_FALSE(AttemptReader::is_last_word(
        "ERROR ExtHandler Event: name=Microsoft.Azure.Any, op=Enable, message=No space left on device, duration=0"));
}

}  // namespace
}  // namespace remediations::backup_attempts_test
