#include "remediations/knowledge/logs/log_evidence.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "remediations/engine/catalogue.hpp"
#include "remediations/engine/signals.hpp"
#include "remediations/machine/utf8.hpp"
#include "tests/remediations/knowledge/logs/log_machine.hpp"

namespace remediations::log_evidence_test {
namespace {

using log_machine::LogMachine;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

const machine::Path waagent = "/var/log/waagent.log";
const machine::Path backup = "/var/log/azure/Microsoft.Azure.RecoveryServices.VMSnapshotLinux";
const LogPattern noexec{Log::agent, "The noexec flag is set on "};
const LogPattern thaw{Log::extension, "Failed to FITHAW: "};

std::string run(const std::string& hour, const std::string& code) {
    const auto prefix = "2026-11-21 " + hour + ":00:00.000000 [Microsoft.Azure.RecoveryServices.VMSnapshotLinux-1.0]";
    return prefix + "starting enable\n" + prefix + "Enable,success," + code + ",,False\n";
}

TEST(LogEvidence, NewestLineAndCount) {
    LogMachine vm;
    vm.files->add(waagent,
                  "2026-11-20T01:00:00.000000Z WARNING ExtHandler The noexec flag is set on /var. one\r\n"
                  "2026-11-20T02:00:00.000000Z INFO ExtHandler nothing\r\n"
                  "2026-11-20T03:00:01.000000Z WARNING ExtHandler The noexec flag is set on /var. two\r\n"
                  "2026-11-20T04:00:00.000000Z INFO ExtHandler end\r\n");
    const LogEvidence evidence(vm.machine, {noexec, {Log::agent, "never"}});
    const auto* match = evidence.find(Log::agent, noexec.text);
    ASSERT_TRUE(match);
    EXPECT_EQ(match->count, 2U);
    EXPECT_EQ(match->newest.evidence("exec"),
              (Evidence{"/var/log/waagent.log:3",
                        "2026-11-20 03:00:01Z WARNING ExtHandler The noexec flag is set on /var. two", "exec"}));
    EXPECT_EQ(evidence.find_current(Log::agent, noexec.text), match) << "there was no successful backup";
    EXPECT_FALSE(evidence.find(Log::agent, "never"));
    EXPECT_THROW(static_cast<void>(evidence.find(Log::agent, "not asked for")), std::logic_error);
    EXPECT_THROW(static_cast<void>(evidence.find(Log::kernel, noexec.text)), std::logic_error);
    EXPECT_EQ(evidence.newest_line(Log::agent), log_machine::now - 32h);
    EXPECT_FALSE(evidence.newest_line(Log::audit));
    ASSERT_EQ(evidence.sources().size(), 1U);
    EXPECT_EQ(evidence.sources()[0].file, waagent);
    EXPECT_FALSE(evidence.sources()[0].error);
}

TEST(LogEvidence, ProofStandsUntilSomethingTakesItBack) {
    const LogPattern heartbeat{Log::agent, "[HEARTBEAT]"};
    Remediation remediation;
    remediation.signals = {{.role = Role::proof,
                            .line = noexec,
                            .with = {"/var"},
                            .without = {"harmless"},
                            .revoked_by = {heartbeat.text}}};
    const auto proof_in = [&](const std::string& log) {
        LogMachine vm;
        vm.files->add(waagent, log);
        const LogEvidence evidence(vm.machine, {noexec, heartbeat});
        const auto* line = evidence.proof_for(remediation);
        return line ? line->text : std::string("none");
    };
    const std::string told = "2026-11-20T01:00:00.000000Z WARNING ExtHandler The noexec flag is set on /var.\n";
    EXPECT_THAT(proof_in(told), EndsWith("set on /var."));
    EXPECT_THAT(proof_in("2026-11-20T00:59:00.000000Z INFO ExtHandler [HEARTBEAT]\n" + told), EndsWith("on /var."));
    EXPECT_EQ(proof_in(told + "2026-11-20T01:30:00.000000Z INFO ExtHandler [HEARTBEAT]\n"), "none");
    EXPECT_EQ(proof_in(told + "2026-11-20T01:30:00.000000Z The noexec flag is set on /home\n"), "none");
    EXPECT_EQ(proof_in("2026-11-20T01:30:00.000000Z harmless: The noexec flag is set on /var\n"), "none");
    EXPECT_EQ(proof_in("2026-11-16T01:00:00.000000Z The noexec flag is set on /var\n"
                       "2026-11-20T01:30:00.000000Z INFO ExtHandler other work\n"),
              "none")
        << "the log goes on for days without it";
}

TEST(LogEvidence, ResultOfTheNewestRunIsAProof) {
    Remediation remediation;
    remediation.signals = {{.role = Role::proof, .results = {16, 402}}};
    const auto is_told = [&](const std::string& log) {
        LogMachine vm;
        vm.files->add(backup + "/extension.log", log);
        return LogEvidence(vm.machine, {}).proof_for(remediation) != nullptr;
    };
    EXPECT_TRUE(is_told(run("02", "402")));
    EXPECT_FALSE(is_told(run("02", "121")));
    EXPECT_FALSE(is_told(run("02", "402") + run("03", "1")));
}

TEST(LogEvidence, SystemLogStandsInForAnAgentWithoutALogOfItsOwn) {
    const auto line = [](const std::string& program, const std::string& text) {
        return "Nov 20 01:00:00 vm1 " + program + "[77]: " + text + " The noexec flag is set on /var\n";
    };
    LogMachine vm;
    vm.files->add("/var/log/syslog", line("python3", "2026-11-20T01:00:00.000000Z WARNING ExtHandler ExtHandler") +
                                         line("hardening", "checked:"));
    const LogEvidence evidence(vm.machine, {noexec});
    const auto* match = evidence.find(Log::agent, noexec.text);
    ASSERT_TRUE(match);
    EXPECT_EQ(match->count, 1U) << "others write there too";
    EXPECT_FALSE(evidence.newest_line(Log::agent));
}

TEST(LogEvidence, LaterSuccessHealsInTheExtensionsLogByPlace) {
    const std::string failure = "Failed to FITHAW: /boot\n";  // no time of its own
    for (const bool healed : {true, false}) {
        LogMachine vm;
        const auto success = run("02", "1");
        vm.files->add(backup + "/extension.log", healed ? failure + success : success + failure);
        const LogEvidence evidence(vm.machine, {thaw});
        EXPECT_TRUE(evidence.find(Log::extension, thaw.text));
        EXPECT_EQ(evidence.find_current(Log::extension, thaw.text) == nullptr, healed);
    }
}

TEST(LogEvidence, FailureHealsNothing) {
    LogMachine vm;
    vm.files->add(backup + "/extension.log", "Failed to FITHAW: /boot\n" + run("02", "121"));
    EXPECT_TRUE(LogEvidence(vm.machine, {thaw}).find_current(Log::extension, thaw.text));
}

TEST(LogEvidence, LaterSuccessHealsOtherLogsByTime) {
    const struct {
        const char* time;
        bool healed;
    } cases[] = {{"2026-11-21T01:59:59.000000Z ", true},
                 {"2026-11-21T02:00:01.000000Z ", false},
                 {"2036-11-21T01:59:59.000000Z ", false},
                 {"", false}};
    for (const auto& [time, healed] : cases) {
        LogMachine vm;
        vm.files->add(waagent, std::string(time) + "The noexec flag is set on /var\n");
        vm.files->add(backup + "/extension.log", run("02", "1"));
        const LogEvidence evidence(vm.machine, {noexec});
        ASSERT_TRUE(evidence.find(Log::agent, noexec.text));
        EXPECT_EQ(evidence.find_current(Log::agent, noexec.text) == nullptr, healed) << time;
    }
}

TEST(LogEvidence, LineFromTheFutureIsNotTheNewestTime) {
    LogMachine vm;
    vm.files->add(waagent, "2036-11-21T01:59:59.000000Z The noexec flag is set on /var\n", 3h);
    const LogEvidence evidence(vm.machine, {noexec});
    EXPECT_EQ(evidence.newest_line(Log::agent), log_machine::now - 3h);
}

TEST(LogEvidence, PlaceDecidesWhatIsNewestAndNotTheClock) {
    LogMachine vm;
    vm.files->add(waagent,
                  "2026-11-25T00:00:00.000000Z The noexec flag is set on /a, by a clock that was wrong\n"
                  "2026-11-20T00:00:00.000000Z The noexec flag is set on /b\n");
    const LogEvidence evidence(vm.machine, {noexec});
    EXPECT_THAT(evidence.find(Log::agent, noexec.text)->newest.text, EndsWith("/b"));
}

TEST(LogEvidence, TracebackHasTheTimeAboveIt) {
    LogMachine vm;
    vm.files->add(waagent,
                  "2026-11-20T01:00:00.000000Z ERROR failed:\nTraceback (most recent call last):\n"
                  "  File \"x\", line 1\nModuleNotFoundError: No module named 'imp'\n");
    const LogEvidence evidence(vm.machine, {{Log::agent, "No module named"}});
    const auto& line = evidence.find(Log::agent, "No module named")->newest;
    EXPECT_EQ(line.time, log_machine::now - 35h);
    EXPECT_EQ(line.number, 4U);
}

TEST(LogEvidence, LongLineIsShownAroundThePattern) {
    LogMachine vm;
    vm.files->add(waagent, "2026-11-20T01:00:00.000000Z " + std::string(100'000, 'x') +
                               "The noexec flag is set on /var" + std::string(200'000, 'y') +
                               "\nThe noexec flag is set on /b\n");
    const LogEvidence evidence(vm.machine, {noexec, {Log::agent, "xThe"}});
    const auto& line = evidence.find(Log::agent, "xThe")->newest;
    EXPECT_EQ(line.number, 1U);
    EXPECT_EQ(line.time, log_machine::now - 35h);
    EXPECT_THAT(line.text, HasSubstr("xThe noexec flag is set on /vary"));
    EXPECT_LE(line.text.size(), LogLine::longest_text);
    EXPECT_EQ(evidence.find(Log::agent, noexec.text)->count, 2U);
    EXPECT_EQ(evidence.find(Log::agent, noexec.text)->newest.number, 2U);
}

TEST(LogEvidence, KernelIsReadFromTheRingBufferAndTheSystemLog) {
    LogMachine vm;
    const LogPattern xfs{Log::kernel, "XFS (sdc1): "};
    vm.files->add("/proc/stat", "cpu 1 2\nbtime 1795000000\nprocesses 1\n");
    vm.programs->answers.insert_or_assign("/bin/dmesg",
                                          machine::CommandOutput{0, "[    1.500000] XFS (sdc1): Mounting\n", ""});
    vm.files->add("/var/log/messages",
                  "Nov 20 01:00:00 vm1 cron[1]: XFS (sdc1): what another program says\n"
                  "Nov 20 02:00:00 vm1 kernel: XFS (sdc1): Corruption detected\n");
    const LogEvidence evidence(vm.machine, {xfs});
    const auto* match = evidence.find(Log::kernel, xfs.text);
    ASSERT_TRUE(match);
    EXPECT_EQ(match->count, 2U);
    EXPECT_EQ(match->newest.evidence("").where, "/var/log/messages:2");
    vm.files->files.erase("/var/log/messages");
    const LogEvidence again(vm.machine, {xfs});
    EXPECT_EQ(again.find(Log::kernel, xfs.text)->newest.evidence("").where, "dmesg");
    EXPECT_EQ(again.find(Log::kernel, xfs.text)->newest.time, std::chrono::system_clock::time_point(1795000001500ms));
}

TEST(LogEvidence, JournalStandsInForAMissingAgentLog) {
    LogMachine vm;
    vm.programs->answers.insert_or_assign(
        "/usr/bin/journalctl",
        machine::CommandOutput{0, "2026-11-20T01:00:00+0000 vm1 python3[9]: The noexec flag is set on /var\n", ""});
    const LogEvidence from_journal(vm.machine, {noexec});
    ASSERT_TRUE(from_journal.find(Log::agent, noexec.text));
    EXPECT_EQ(from_journal.find(Log::agent, noexec.text)->newest.evidence("").where, "journal");
    vm.files->add(waagent, "2026-11-20T01:00:00.000000Z INFO fine\n");
    EXPECT_FALSE(LogEvidence(vm.machine, {noexec}).find(Log::agent, noexec.text));
}

TEST(LogEvidence, ExtensionLogDirIsHonoured) {
    LogMachine vm;
    vm.files->add("/etc/waagent.conf", "Extension.LogDir=/data/logs\n");
    vm.files->add("/data/logs/Microsoft.Azure.RecoveryServices.VMSnapshotLinux/shell.log",
                  "Mon Nov 16 00:05:10 UTC 2026- 1 returned from handle.py\n");
    const LogEvidence evidence(vm.machine, {{Log::extension_shell, "1 returned from handle.py"}});
    EXPECT_TRUE(evidence.find(Log::extension_shell, "1 returned from handle.py"));
}

TEST(LogEvidence, RotatedFilesAreReadOldestFirstAndOldOnesNot) {
    LogMachine vm;
    vm.files->add(waagent, "The noexec flag is set on /live\n", 1h);
    vm.files->add(waagent + ".1", "The noexec flag is set on /1\n", 24h);
    vm.files->add(waagent + "-20261101", "The noexec flag is set on /dated\n", 20 * 24h);
    vm.files->add(waagent + ".9", "The noexec flag is set on /too-old\n", 36 * 24h);
    vm.files->add(waagent + ".swp", "The noexec flag is set on /no-log\n", 0h);
    vm.files->add(waagent + ".2.xz", "\xFD", 10 * 24h);
    const LogEvidence evidence(vm.machine, {noexec});
    EXPECT_EQ(evidence.find(Log::agent, noexec.text)->count, 3U);
    EXPECT_THAT(evidence.find(Log::agent, noexec.text)->newest.text, EndsWith("/live"));
    std::vector<std::string> files;
    for (const auto& source : evidence.sources()) {
        files.push_back(source.file);
        EXPECT_EQ(source.error.has_value(), source.file.ends_with(".xz"));
    }
    EXPECT_THAT(files, ElementsAre(waagent + "-20261101", waagent + ".2.xz", waagent + ".1", waagent));
}

TEST(LogEvidence, OfHugeLogsTheEndIsReadAndTheRestNamed) {
    LogMachine vm;
    const std::string line = "The noexec flag is set on /var\n";
    std::string text;
    for (int i = 0; i < 100; ++i) text += line;
    vm.files->add(waagent, text, 0h);
    vm.files->add(waagent + ".1", text, 1h);
    vm.files->add(waagent + ".2", text, 2h);
    const LogEvidence evidence(vm.machine, {noexec}, {text.size() + 10 * line.size(), 0});
    EXPECT_EQ(evidence.find(Log::agent, noexec.text)->count, 110U);
    EXPECT_EQ(evidence.find(Log::agent, noexec.text)->newest.number, 100U);
    ASSERT_EQ(evidence.sources().size(), 3U);
    EXPECT_EQ(evidence.sources()[0].error->message,
              waagent + ".2: not read; newer files of this log already have 0 MiB");
    EXPECT_EQ(evidence.sources()[1].error->kind, machine::ErrorKind::too_large);
    EXPECT_FALSE(evidence.sources()[2].error);
    ASSERT_TRUE(evidence.unread(Log::agent));
    EXPECT_EQ(evidence.unread(Log::agent)->file, waagent + ".2");
    EXPECT_FALSE(evidence.unread(Log::kernel));
}

TEST(LogEvidence, LocalTimeHealsLater) {
    for (const int hour : {9, 11}) {
        LogMachine vm;
        vm.files->add("/var/log/kern.log", "Nov 20 20:00:00 vm1 kernel: XFS: frozen\n");
        vm.files->add(backup + "/extension.log", run(hour == 9 ? "09" : "11", "1"));
        const LogEvidence evidence(vm.machine, {{Log::kernel, "XFS: "}});
        ASSERT_TRUE(evidence.find(Log::kernel, "XFS: "));
        EXPECT_EQ(evidence.find_current(Log::kernel, "XFS: ") == nullptr, hour == 11) << "14 hours later or not";
    }
}

TEST(LogEvidence, LogWithoutPatternsIsReadOnlyForItsNewestLine) {
    LogMachine vm;
    vm.files->add(waagent, std::string(1'000'000, '\n') + "2026-11-20T01:00:00.000000Z INFO end\n");
    vm.files->add(waagent + ".1", "2026-11-19T01:00:00.000000Z INFO rotated\n", 24h);
    const LogEvidence evidence(vm.machine, {});
    EXPECT_EQ(evidence.newest_line(Log::agent), log_machine::now - 35h);
}

TEST(LogEvidence, ExcerptIsPrintableAndHasThePattern) {
    const std::string pattern = "needle";
    for (const std::size_t before : {0U, 400U, 490U, 494U, 497U, 498U, 600U, 5000U}) {
        for (const std::size_t after : {0U, 1U, 10U, 5000U}) {
            for (const std::string filler : {"x", "\xC3\xA4"}) {
                std::string text;
                while (text.size() < before) text += filler;
                const auto from = text.size();
                text += pattern;
                while (text.size() < from + pattern.size() + after) text += filler;
                const auto shown = printable(excerpt_around(text, from, from + pattern.size()));
                EXPECT_THAT(shown, HasSubstr(pattern)) << before << ' ' << after;
                EXPECT_LE(shown.size(), LogLine::longest_text);
                EXPECT_EQ(machine::valid_utf8(shown), shown);
                EXPECT_TRUE(text.size() > LogLine::longest_text || shown == text);
            }
        }
    }
    EXPECT_EQ(printable("a\tb\x1b[0m\r"), "a b [0m");
    EXPECT_LE(printable(std::string(5000, '\xFF')).size(), LogLine::longest_text);
}

TEST(LogEvidence, SecretsAreNotShown) {
    const std::string signature = "aB3dEfGhIjKlMnOpQrStUvWxYz0123456789abcdefghij%3D";
    for (const std::size_t before : {0U, 400U, 1000U, 100'000U}) {
        LogMachine vm;
        vm.files->add(waagent, std::string(before, 'x') +
                                   " PUT https://md-x.blob.core.windows.net/a?sv=1&sig=" + signature + " timed out\n");
        const LogEvidence evidence(vm.machine, {{Log::agent, " timed out"}});
        const auto& text = evidence.find(Log::agent, " timed out")->newest.text;
        EXPECT_THAT(text, HasSubstr(" timed out"));
        for (std::size_t i = 0; i + 8 <= signature.size(); ++i) {
            EXPECT_EQ(text.find(signature.substr(i, 8)), std::string::npos) << text;
        }
    }
}

TEST(LogEvidence, SymbolicLinkIsNotFollowed) {
    LogMachine vm;
    vm.files->add(waagent, "The noexec flag is set on /var\n");
    vm.files->files[waagent].status.kind = machine::FileKind::symlink;
    const LogEvidence evidence(vm.machine, {noexec});
    EXPECT_FALSE(evidence.find(Log::agent, noexec.text));
    ASSERT_EQ(evidence.sources().size(), 1U);
    ASSERT_TRUE(evidence.sources()[0].error);
    EXPECT_EQ(evidence.sources()[0].error->kind, machine::ErrorKind::unsupported);
}

TEST(LogEvidence, CatalogueIsWhatIsLookedFor) {
    LogMachine vm;
    const LogEvidence evidence(vm.machine, log_patterns_of_catalogue());
    for (const auto* remediation : catalogue()) {
        for (const auto& signal : remediation->signals) {
            if (!signal.is_line()) continue;
            EXPECT_FALSE(evidence.find(signal.line.log, signal.line.text)) << remediation->id;
        }
    }
    EXPECT_TRUE(evidence.sources().empty());
    EXPECT_FALSE(evidence.newest_attempt());
}

}  // namespace
}  // namespace remediations::log_evidence_test
