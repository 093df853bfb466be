#include "handler/cli/command_line.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json.hpp>
#include <fstream>
#include <regex>
#include <sstream>

#include "handler/agent/lock.hpp"
#include "handler/cli/arguments.hpp"
#include "remediations/machine/recorded/capture.hpp"
#include "test_data.hpp"
#include "tests/capture_folder.hpp"
#include "tests/temporary_folder.hpp"

namespace handler::command_line_test {
namespace {

namespace json = boost::json;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

const std::filesystem::path captures = TEST_DATA "/captures";

/// What a command answered.
struct Answer {
    int code = 0;
    std::string out;
    std::string err;

    json::object parsed() const { return json::parse(out).as_object(); }
};

/// Freezes nothing, and tells that it did.
class ObedientFreezer final : public machine::Freezer {
public:
    machine::Result<std::vector<machine::Process>> permission_listeners() const override {
        return std::vector<machine::Process>();
    }
    machine::Result<std::string> device_holding(const machine::Path&) const override { return std::string("8:1"); }
    machine::Result<std::unique_ptr<machine::FreezeLock>> lock(const machine::Path&) override {
        return std::unique_ptr<machine::FreezeLock>();
    }
    machine::Result<machine::FreezeReport> freeze_and_thaw(const std::vector<machine::FreezeTarget>& targets,
                                                           const machine::FreezeLimits&) override {
        machine::FreezeReport report;
        for (const auto& target : targets) {
            report.trials.emplace_back().mount_point = target.mount_point;
            if (target.mount_point == "/boot") {
                report.trials.back().outcome = machine::Error::unsupported("no freeze", 95);
            }
        }
        return report;
    }
    machine::Result<std::vector<machine::Path>> thaw_abandoned() override {
        return std::exchange(abandoned, std::vector<machine::Path>());
    }

    static inline std::vector<machine::Path> abandoned;
};

/// Runs commands on a machine that answers from a capture and keeps changes in memory.
class CommandLine : public testing::Test {
protected:
    void use(const std::filesystem::path& capture) {
        auto loaded = machine::recorded::load(tests::CaptureFolder(captures / capture).path());
        ASSERT_TRUE(loaded) << loaded.error().message;
        machine_.emplace(std::move(*loaded));
    }

    Answer run(const std::vector<std::string>& arguments) {
        std::ostringstream out;
        std::ostringstream err;
        const Host host{[&]() -> machine::Machine& { return machine_.value(); },
                        folder_.path() / "state",
                        privileged_,
                        [] { return std::make_unique<ObedientFreezer>(); },
                        guard_tools(),
                        {},
                        program_};
        const int code = command_line(arguments, host, out, err);
        return {code, out.str(), err.str()};
    }

    GuardTools guard_tools() {
        const auto program = folder_.path() / "program";
        std::ofstream(program) << "the program";
        return {program, folder_.path() / "state", "1.0.0.0",
                [this](const machine::local::RecurringJob& job) -> machine::Result<machine::local::JobBy> {
                    if (no_scheduler_) return machine::Error::unsupported("no scheduler");
                    job_ = job.argument;
                    return machine::local::JobBy::cron;
                },
                [this](const std::string&) -> machine::Result<void> {
                    job_.clear();
                    return {};
                }};
    }

    std::string capture_path(const std::filesystem::path& capture) const {
        const auto whole = folder_.path() / capture.filename();
        tests::lay_out(captures / capture, whole);
        return whole.string();
    }

    tests::TemporaryFolder folder_;
    std::optional<machine::Machine> machine_;
    bool privileged_ = true;
    bool no_scheduler_ = false;
    std::string program_ = "backup-remediation";
    std::string job_;
};

TEST_F(CommandLine, SaysNothingIsBrokenOnAHealthyMachine) {
    use("linux/healthy");
    const auto answer = run({"diagnose"});
    EXPECT_EQ(answer.code, 0) << answer.out;
    EXPECT_THAT(answer.err, IsEmpty());
    EXPECT_THAT(answer.out, HasSubstr("No cause was found inside this VM."));
}

TEST_F(CommandLine, ThawsWhatAKilledRehearsalLeftFrozenAndSaysSo) {
    use("linux/healthy");
    ObedientFreezer::abandoned = {"/data"};
    EXPECT_THAT(run({"diagnose", "--capture", capture_path("linux/healthy")}).out, Not(HasSubstr("/data")))
        << "a recorded machine is another one";
    EXPECT_THAT(run({"diagnose"}).out, HasSubstr("had left /data frozen: thawed now."));
    EXPECT_THAT(run({"diagnose"}).out, Not(HasSubstr("thawed now")));
}

TEST_F(CommandLine, DiagnosesACaptureOfTheOtherSystemToo) {
    const auto answer = run({"diagnose", "--capture", capture_path("windows/com-plus-disabled"), "--format", "json"});
    EXPECT_EQ(answer.code, 1);
    EXPECT_EQ(answer.parsed().at("rootCause"), "com-plus-service");
    EXPECT_EQ(answer.parsed().at("machine").at("platform"), "windows");
}

TEST_F(CommandLine, SaysWhatOnlyAPersonOnThatMachineCanDo) {
    const auto answer = run({"diagnose", "--capture", capture_path("linux/extensions-disabled")});
    EXPECT_EQ(answer.code, 1);
    EXPECT_THAT(answer.out, HasSubstr("1. On that VM, repair extensions-disabled"));
}

TEST_F(CommandLine, FixesAndTakesBack) {
    use("linux/extensions-disabled");
    const auto planned = run({"fix", "--dry-run"});
    EXPECT_EQ(planned.code, 1);
    EXPECT_THAT(planned.out, HasSubstr("Would be changed\n  for extensions-disabled:\n    - edit /etc/waagent.conf"));
    EXPECT_EQ(run({"diagnose"}).code, 1) << "a dry run changes nothing";
    EXPECT_THAT(run({"history"}).out, HasSubstr("No run has changed anything"));

    const auto fixed = run({"fix", "--format", "json"});
    EXPECT_EQ(fixed.code, 0) << fixed.out << fixed.err;
    const auto run_id = std::string(fixed.parsed().at("runId").as_string());
    EXPECT_EQ(fixed.parsed().at("undo").as_string(), "backup-remediation undo " + run_id);
    EXPECT_EQ(run({"diagnose"}).code, 0);

    const auto history = run({"history", "--format", "json"}).parsed().at("runs").at(0);
    EXPECT_EQ(history.at("id").as_string(), run_id);
    EXPECT_EQ(history.at("mode"), "fix");
    EXPECT_EQ(history.at("rootCause"), "extensions-disabled");
    EXPECT_EQ(history.at("undone"), "no");
    EXPECT_THAT(run({"history"}).out, AllOf(StartsWith(run_id), HasSubstr("root cause extensions-disabled")));

    const auto undone = run({"undo"});
    EXPECT_EQ(undone.code, 0) << undone.out << undone.err;
    EXPECT_THAT(undone.out,
                AllOf(HasSubstr("Undo of run " + run_id), HasSubstr("undone        edit /etc/waagent.conf")));
    EXPECT_EQ(run({"diagnose"}).code, 1) << "what was wrong is back";
    EXPECT_EQ(run({"history", "--format", "json"}).parsed().at("runs").at(0).at("undone"), "yes");
    EXPECT_EQ(run({"undo"}).out, "There is nothing to take back.\n");
    EXPECT_EQ(run({"undo", run_id}).code, 0) << "doing it twice is harmless";
}

TEST_F(CommandLine, RehearsesTheFreeze) {
    const auto capture = capture_path("linux/healthy");
    std::ofstream(capture + "/facts.json") << R"({"schema":1,
        "system":{"platform":"linux","architecture":"x86_64","host_name":"vm1","now":1795226400},
        "complete":["files","services","processes","commands","network"],
        "mounts":[{"source":"/dev/sda1","target":"/","type":"ext4","device":"8:1"},
                  {"source":"/dev/sdc1","target":"/data","type":"xfs","device":"8:33"},
                  {"source":"/dev/sda2","target":"/boot","type":"ext4","device":"8:2"}]})";
    machine_.emplace(machine::recorded::load(capture).value());
    const auto good = run({"rehearse", "--mount", "/data"});
    EXPECT_EQ(good.code, 0) << good.err;
    EXPECT_THAT(good.out, AllOf(StartsWith("Freeze rehearsal: healthy"), HasSubstr("/data (xfs, /dev/sdc1)")));
    const auto bad = run({"rehearse", "--format", "json"});
    EXPECT_EQ(bad.code, 1) << bad.err;
    EXPECT_EQ(bad.parsed().at("mounts").at(0).at("mountPoint"), "/boot");
    EXPECT_EQ(bad.parsed().at("mounts").at(2).at("outcome"), "left-out");
    EXPECT_EQ(run({"rehearse", "--mount", "/"}).code, 3) << "it holds the system";
    EXPECT_EQ(run({"rehearse", "--mount", "/", "--include-system"}).code, 0);
    const auto wrong = run({"rehearse", "--mount", "/date"});
    EXPECT_EQ(wrong.code, 2);
    EXPECT_THAT(wrong.err, HasSubstr("--mount: /date is not a mount point"));
    privileged_ = false;
    EXPECT_EQ(run({"rehearse"}).code, 3);
}

TEST_F(CommandLine, LeavesAloneWhatSomebodyChangedSince) {
    use("linux/extensions-disabled");
    ASSERT_EQ(run({"fix"}).code, 0);
    ASSERT_TRUE(machine_->files().write("/etc/waagent.conf", "Extensions.Enabled=y\n# mine\n"));
    const auto answer = run({"undo", "--format", "json"});
    EXPECT_EQ(answer.code, 1);
    EXPECT_THAT(answer.out, HasSubstr("left-alone"));
    EXPECT_EQ(*machine_->files().read("/etc/waagent.conf"), "Extensions.Enabled=y\n# mine\n");
}

TEST_F(CommandLine, AsksForApprovalOfAFixThatCanLoseData) {
    use("windows/msdtc-missing-needs-approval");
    const auto answer = run({"fix"});
    EXPECT_EQ(answer.code, 1);
    EXPECT_THAT(answer.out, HasSubstr("backup-remediation fix --only msdtc-damaged --max-disruption workload"));
}

TEST_F(CommandLine, DoesNotCallUnknownHealthy) {
    use("linux/agent-configuration-unreadable");
    const auto answer = run({"diagnose", "--only", "extensions-disabled"});
    EXPECT_EQ(answer.code, 3) << answer.out;
    EXPECT_THAT(answer.out, HasSubstr("not everything could be checked"));
}

TEST_F(CommandLine, ChangesNothingWithoutTheRightTo) {
    use("linux/extensions-disabled");
    privileged_ = false;
    for (const auto& command : {"fix", "undo"}) {
        const auto answer = run({command});
        EXPECT_EQ(answer.code, 3);
        EXPECT_THAT(answer.out, IsEmpty());
        EXPECT_THAT(answer.err, HasSubstr("try again with sudo"));
    }
    EXPECT_THAT(run({"diagnose"}).err, HasSubstr("not run as root"));
    EXPECT_FALSE(std::filesystem::exists(folder_.path() / "state"));
}

TEST_F(CommandLine, SaysWhenACauseIsAboutTheOtherSystem) {
    use("linux/healthy");
    EXPECT_THAT(run({"diagnose", "--only", "msdtc-account"}).err,
                HasSubstr("msdtc-account is about windows, which this machine does not run"));
}

TEST_F(CommandLine, TakesARelativePathOfACapture) {
    const auto relative = std::filesystem::relative(captures / "linux/healthy");
    EXPECT_EQ(run({"diagnose", "--capture", relative.string()}).code, 0);
}

TEST_F(CommandLine, HistoryThatCannotBeReadIsNoEmptyHistory) {
    std::filesystem::create_directory(folder_.path() / "state");
    std::ofstream(folder_.path() / "state" / "runs") << "not a folder";
    const auto answer = run({"history"});
    EXPECT_EQ(answer.code, 3);
    EXPECT_THAT(answer.err, HasSubstr("runs: "));
}

TEST_F(CommandLine, RefusesBadInput) {
    use("linux/healthy");
    const auto nonsense = run({"diagnoes"});
    EXPECT_EQ(nonsense.code, 2);
    EXPECT_THAT(nonsense.err, HasSubstr("did you mean diagnose?"));

    const auto no_capture = run({"diagnose", "--capture", (folder_.path() / "absent").string()});
    EXPECT_EQ(no_capture.code, 2);
    EXPECT_THAT(no_capture.err, AllOf(HasSubstr("--capture: "), HasSubstr("absent")));

    const auto no_run = run({"undo", "20200101T000000Z-0001"});
    EXPECT_EQ(no_run.code, 2);
    EXPECT_THAT(no_run.err, HasSubstr("no run '20200101T000000Z-0001'"));

    const auto no_code = run({"explain", "ExtensionSnapshotFailedCOMM"});
    EXPECT_EQ(no_code.code, 2);
    EXPECT_THAT(no_code.err, HasSubstr("did you mean ExtensionSnapshotFailedCOM"));
}

TEST_F(CommandLine, WorksWithAnErrorCodeItDoesNotKnow) {
    use("linux/healthy");
    const auto answer = run({"diagnose", "--error-code", "UserErrorGuestAgentStatusUnavailble"});
    EXPECT_EQ(answer.code, 0);
    EXPECT_THAT(answer.err, HasSubstr("did you mean UserErrorGuestAgentStatusUnavailable?"));
}

TEST_F(CommandLine, ShowsWhatTheReadmeShows) {
    use("linux/extensions-disabled");
    std::string sample;
    std::istringstream shown(run({"diagnose"}).out);
    for (std::string line; std::getline(shown, line);) sample += line.empty() ? "\n" : "    " + line + "\n";
    const std::ifstream file(TEST_DATA "/../README.md");
    std::stringstream readme;
    readme << file.rdbuf();
    EXPECT_THAT(readme.str(), HasSubstr("    $ backup-remediation diagnose\n" + sample));
}

TEST_F(CommandLine, CapturesWhatItCanDiagnoseAgain) {
    use("linux/extensions-disabled");
    const auto output = (folder_.path() / "vm1").string();
    const auto captured = run({"capture", "--output", output});
    EXPECT_EQ(captured.code, 0) << captured.err;
    EXPECT_THAT(captured.out, HasSubstr("backup-remediation diagnose --capture " + output));
    const auto live = run({"diagnose", "--format", "json"});
    const auto replayed = run({"diagnose", "--capture", output, "--format", "json"});
    EXPECT_EQ(replayed.parsed().at("findings"), live.parsed().at("findings"));

    const auto again = run({"capture", "--output", output});
    EXPECT_EQ(again.code, 2);
    EXPECT_THAT(again.err, HasSubstr("is not an empty folder"));
}

TEST_F(CommandLine, EscapesWhatALogWantsTheTerminalToDo) {
    use("linux/extensions-disabled");
    ASSERT_TRUE(machine_->files().write("/etc/waagent.conf", "Extensions.Enabled=n # \x1b[2J\xFF\n"));
    const auto text = run({"diagnose", "--color", "never"});
    EXPECT_THAT(text.out, AllOf(HasSubstr("\\x1b[2J\xEF\xBF\xBD"), Not(HasSubstr("\x1b"))));
    EXPECT_EQ(run({"diagnose", "--format", "json"}).parsed().at("rootCause"), "extensions-disabled");
}

TEST_F(CommandLine, ColoursOnlyWhenAskedTo) {
    use("linux/healthy");
    EXPECT_THAT(run({"diagnose"}).out, Not(HasSubstr("\x1b[")));
    EXPECT_THAT(run({"diagnose", "--color", "always"}).out, HasSubstr("\x1b[32mhealthy\x1b[0m"));
}

TEST_F(CommandLine, ReportsADamagedJournalInHistory) {
    use("linux/healthy");
    const auto run_folder = folder_.path() / "state" / "runs" / "20261121T014907Z-0001";
    std::filesystem::create_directories(run_folder);
    std::ofstream(run_folder / "journal.jsonl") << "nonsense\n";
    EXPECT_THAT(run({"history"}).out, AllOf(HasSubstr("2026-11-21 01:49:07 UTC"), HasSubstr("cannot be read")));
    const auto undo = run({"undo"});
    EXPECT_EQ(undo.code, 3);
    EXPECT_THAT(undo.err, HasSubstr("journal.jsonl:1"));
}

TEST_F(CommandLine, UndoesWhatIsUndamagedOnlyWhenAskedTo) {
    use("linux/extensions-disabled");
    const auto before = machine_->files().read("/etc/waagent.conf").value();
    const auto fixed = run({"fix", "--format", "json"}).parsed();
    const auto after = machine_->files().read("/etc/waagent.conf").value();
    const auto file = folder_.path() / "state" / "runs" / std::string(fixed.at("runId").as_string()) / "journal.jsonl";
    std::ifstream in(file, std::ios::binary);
    std::string text{std::istreambuf_iterator<char>(in), {}};
    in.close();
    text.replace(text.find("\"summary\""), 2, "\"S");  // the last line
    std::ofstream(file, std::ios::binary) << text;

    const auto refused = run({"undo"});
    EXPECT_EQ(refused.code, 3);
    EXPECT_THAT(refused.err, AllOf(HasSubstr("its checksum is wrong"), HasSubstr("nothing was changed"),
                                   HasSubstr("--despite-damage")));
    EXPECT_EQ(machine_->files().read("/etc/waagent.conf").value(), after);
    const auto told = run({"fix", "--format", "json"});
    ASSERT_EQ(told.parsed().at("notices").as_array().size(), 1U);
    EXPECT_THAT(std::string(told.parsed().at("notices").at(0).as_string()),
                AllOf(HasSubstr("damaged"), HasSubstr("--despite-damage")));
    EXPECT_THAT(told.err, testing::Not(HasSubstr("damaged"))) << "the report says it";

    const auto undone = run({"undo", "--despite-damage"});
    EXPECT_EQ(undone.code, 1) << "something may be left";
    EXPECT_THAT(undone.err, HasSubstr("this line was left out"));
    EXPECT_EQ(machine_->files().read("/etc/waagent.conf").value(), before);
}

TEST_F(CommandLine, HelpExamplesAreCommandLinesItAccepts) {
    for (const std::string command :
         {"diagnose", "fix", "undo", "history", "list", "explain", "capture", "completion", "manual"}) {
        const auto help = run({command, "--help"});
        EXPECT_EQ(help.code, 0);
        const auto examples = help.out.substr(help.out.find("Examples:"));
        const std::regex example("\n  backup-remediation ([^\n]+)");
        int count = 0;
        for (std::sregex_iterator match(examples.begin(), examples.end(), example), end; match != end; ++match) {
            std::istringstream words((*match)[1]);
            std::vector<std::string> arguments{std::istream_iterator<std::string>(words), {}};
            arguments.emplace_back("--help");  // is looked at in its turn: what is before it must be right
            EXPECT_EQ(run(arguments).code, 0) << (*match)[1] << "\n" << run(arguments).err;
            ++count;
        }
        EXPECT_GT(count, 0) << command;
    }
}

TEST_F(CommandLine, WithoutACommandItSaysWhereOneIsAndWhatToDoFirst) {
    use("linux/healthy");
    auto answer = run({});
    EXPECT_EQ(answer.code, 0);
    EXPECT_LE(std::ranges::count(answer.out, '\n'), 10);
    EXPECT_THAT(answer.out, AllOf(StartsWith("backup-remediation " BACKUP_REMEDIATION_VERSION " on "),
                                  HasSubstr(" diagnose "), HasSubstr(" fix "), Not(HasSubstr("undo"))));

    use("linux/extensions-disabled");
    ASSERT_EQ(run({"fix"}).code, 0);
    privileged_ = false;
    answer = run({});
    EXPECT_LE(std::ranges::count(answer.out, '\n'), 10);
    EXPECT_THAT(answer.out, AllOf(HasSubstr(" undo "), HasSubstr("sudo")));
}

TEST_F(CommandLine, WhatItSaysToTypeFitsAConsoleHoweverLongItsPath) {
    use("linux/extensions-disabled");
    ASSERT_EQ(run({"fix"}).code, 0);
    privileged_ = false;
    const std::pair<std::string, std::string> paths[] = {
        {"/var/lib/waagent/Community.Backup.BackupRemediationLinux-1.0.0.0/bin/x86_64/backup-remediation",
         "  cd /var/lib/waagent/Community.Backup.BackupRemediationLinux-1.0.0.0/bin/x86_64\n"
         "  ./backup-remediation diagnose"},
        {R"("C:\Program Files\Some Folder Of A Long Name\BackupRemediation\backup-remediation.exe")",
         "  pushd \"C:\\Program Files\\Some Folder Of A Long Name\\BackupRemediation\"\n"
         "  .\\backup-remediation.exe diagnose"},
        {"/opt/backup-remediation", "  /opt/backup-remediation diagnose"},
    };
    for (const auto& [program, expected] : paths) {
        program_ = program;
        for (const std::string command : {"", "--help"}) {
            const auto shown = run(command.empty() ? std::vector<std::string>() : std::vector{command}).out;
            EXPECT_THAT(shown, HasSubstr(expected));
            EXPECT_THAT(shown, Not(HasSubstr("cd /opt")));
            std::istringstream lines(shown);
            for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 80U) << line;
            if (command.empty()) {
                EXPECT_LE(std::ranges::count(shown, '\n'), 10);
            }
        }
    }
}

TEST_F(CommandLine, CompletionsAndManualHaveEveryCommandOptionAndValue) {
    const auto manual = run({"manual"}).out;
    EXPECT_THAT(manual, StartsWith(".\\\"")) << "a comment of roff";
    for (const std::string shell : {"bash", "zsh", "powershell"}) {
        const auto script = run({"completion", shell});
        EXPECT_EQ(script.code, 0);
        for (const auto& command : outline()) {
            EXPECT_THAT(script.out, HasSubstr(std::string(command.word))) << shell;
            EXPECT_THAT(manual, HasSubstr(".SS " + std::string(command.word)));
            for (const auto& option : command.options) {
                EXPECT_THAT(script.out, HasSubstr(std::string(option.name))) << shell;
                for (const auto& choice : option.choices) EXPECT_THAT(script.out, HasSubstr(choice)) << shell;
            }
        }
    }
}

TEST_F(CommandLine, ShowsItsVersion) {
    EXPECT_EQ(run({"--version"}).out, "backup-remediation " BACKUP_REMEDIATION_VERSION "\n");
}

TEST_F(CommandLine, SwitchesTheGuardOnAndOff) {
    EXPECT_THAT(run({"guard"}).out, AllOf(StartsWith("guard: off.\n"), HasSubstr("  backup-remediation guard on\n")));
    const auto on = run({"guard", "on", "--hours", "3", "--watch", "--max-disruption", "none"});
    EXPECT_EQ(on.code, 0);
    EXPECT_EQ(on.out, "The guard is on: it looks every 3 h, started by cron.\n");
    EXPECT_EQ(job_, guard_command);
    EXPECT_THAT(run({"guard", "status"}).out, HasSubstr("guard: watch, every 3 h."));
    const auto status = run({"guard", "--format", "json"}).parsed();
    EXPECT_EQ(status.at("mode"), "watch");
    EXPECT_EQ(status.at("hours"), 3);
    EXPECT_EQ(status.at("maxDisruption"), "none");
    EXPECT_EQ(status.at("lastLook"), nullptr);
    EXPECT_EQ(run({"guard", "off"}).out, "The guard is off; timer and program are removed.\n");
    EXPECT_EQ(job_, "");
    EXPECT_EQ(run({"guard", "--format", "json"}).parsed().at("mode"), "off");
    EXPECT_EQ(run({"guard", "off"}).out, "The guard is off.\n");
}

TEST_F(CommandLine, SaysWhyTheGuardIsNotOn) {
    use("linux/healthy");
    no_scheduler_ = true;
    const auto answer = run({"guard", "on"});
    EXPECT_EQ(answer.code, 3);
    EXPECT_EQ(answer.err, "backup-remediation: the guard could not be switched on: no scheduler\n");
    privileged_ = false;
    EXPECT_THAT(run({"guard", "on"}).err, HasSubstr("'guard on' changes the machine and needs more rights"));
    EXPECT_EQ(run({"guard"}).code, 0);
}

}  // namespace
}  // namespace handler::command_line_test
