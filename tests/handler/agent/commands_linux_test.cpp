#include "handler/agent/commands.hpp"

#include <gmock/gmock.h>
#include <sys/wait.h>

#include <csignal>
#include <fstream>
#include <sstream>
#include <thread>

#include "handler/agent/apply.hpp"
#include "handler/agent/log.hpp"
#include "handler/agent/sequence.hpp"
#include "handler/agent/worker.hpp"
#include "handler/guard/guard_switch.hpp"
#include "handler/report/report_file.hpp"
#include "handler/report/report_status.hpp"
#include "remediations/changes/journal.hpp"
#include "tests/handler/handler_folder.hpp"
#include "tests/handler/other_process.hpp"

namespace handler::commands_linux_test {
namespace {

using machine::Result;
using machine::local::DetachBy;
using machine::local::Detachment;
using remediations::Report;
using remediations::RunOptions;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

const auto sample = [] {
    remediations::Remediation made;
    made.id = "sample";
    made.title = "A sample";
    return made;
}();

/// Supervisor and worker are real processes, forked from the test; what a run does is the test's.
class CommandsTest : public testing::Test {
protected:
    void TearDown() override {
        for (const auto child : children_) {
            ::kill(child, SIGKILL);
            ::waitpid(child, nullptr, 0);
        }
    }

    System system() {
        System system;
        system.variable = [this](const std::string& name) -> std::optional<std::string> {
            const auto found = variables_.find(name);
            return found == variables_.end() ? std::nullopt : std::optional(found->second);
        };
        system.privileged = [this] { return privileged_; };
        system.standard_input = [this]() -> Result<std::string> { return input_; };
        system.executable = handler_.folder / "bin/x86_64/backup-remediation";
        system.state_folder = state_;
        system.start_detached = [this](const std::string&, const fs::path&, const std::vector<std::string>& arguments,
                                       const fs::path&, DetachBy by) -> Result<Detachment> {
            if (detaching_fails_) return machine::Error::failed("cannot start a process");
            if (systemd_starts_nothing_ && by == DetachBy::service_manager) return Detachment::systemd_unit;
            children_.push_back(start([=, this] { return internal(arguments); }));
            supervisor_ = children_.back();
            return Detachment::session;
        };
        system.run_supervised = [this](const fs::path&, const std::vector<std::string>& arguments, const fs::path&,
                                       std::chrono::milliseconds timeout) -> Result<int> {
            EXPECT_EQ(timeout, time_budget);
            const auto worker = start([=, this] {
                test::write(root_.path() / "worker.pid", std::to_string(::getpid()));
                return internal(arguments);
            });
            int status = 0;
            while (::waitpid(worker, &status, WNOHANG) == 0) {
                if (fs::exists(root_.path() / "time-is-up")) {
                    ::kill(worker, SIGKILL);
                    ::waitpid(worker, &status, 0);
                    return machine::Error::timed_out("took too long");
                }
                std::this_thread::sleep_for(5ms);
            }
            return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        };
        system.decrypt = [](const std::string& der, const std::string&, const fs::path&) -> Result<std::string> {
            return der;
        };
        system.run = [this](const RunOptions& options) { return run_(options); };
        system.end_verbose_log = [this](bool) -> Result<std::string> {
            std::ofstream(root_.path() / "verbose-log-ended", std::ios::app) << "x";
            fs::remove(state_ / "verbose-log.json");
            return std::string("ended");
        };
        system.guard.install_job = [this](const machine::local::RecurringJob&) -> Result<machine::local::JobBy> {
            if (no_scheduler_) return machine::Error::unsupported("there is no scheduler");
            test::write(root_.path() / "job", "");
            return machine::local::JobBy::cron;
        };
        system.guard.remove_job = [this](const std::string&) -> Result<void> {
            fs::remove(root_.path() / "job");
            return {};
        };
        system.make_bundle = [](const RunOptions&) -> Result<std::string> { return std::string("bundle"); };
        system.https = [this](const machine::local::HttpsRequest& request) -> Result<machine::HttpResponse> {
            std::ofstream(root_.path() / "requests", std::ios::app) << request.target << " " << request.body << "\n";
            return machine::HttpResponse{upload_status_, "", ""};
        };
        system.rehearse = [](const remediations::RehearsalOptions& options) {
            const auto paths = fmt::format("{}", fmt::join(options.system_paths, " "));
            return remediations::FreezeRehearsal{
                remediations::State::healthy, fmt::format("system: {}, {}", options.include_system, paths), "", {}};
        };
        return system;
    }

    static pid_t start(const std::function<int()>& body) {
        const auto pid = ::fork();
        if (pid == 0) ::_exit(body());
        return pid;
    }
    int internal(const std::vector<std::string>& arguments) {
        return static_cast<int>(agent_command(arguments, system(), out_, err_));
    }

    ExitCode command(const std::string& name) {
        out_.str("");
        err_.str("");
        return agent_command({name}, system(), out_, err_);
    }
    ExitCode enable(unsigned number) {
        variables_["ConfigSequenceNumber"] = std::to_string(number);
        return command("enable");
    }
    /// `enable`, then the end of the run.
    ExitCode run_to_the_end(unsigned number) {
        const auto code = enable(number);
        wait_for_the_end(number);
        return code;
    }
    void wait_for_the_end(unsigned number) {
        wait_until([&] { return handler_.word(number) != "transitioning" && nobody_at_work(); });
    }
    bool nobody_at_work() const {
        return !FileLock::held_elsewhere(supervisor_lock_file(handler_.folder)) &&
               !FileLock::held_elsewhere(worker_lock_file(handler_.folder));
    }
    void wait_until(const std::function<bool()>& reached) {
        const auto deadline = std::chrono::steady_clock::now() + 20s;
        while (!reached()) {
            ASSERT_LT(std::chrono::steady_clock::now(), deadline);
            std::this_thread::sleep_for(5ms);
        }
    }

    /// What the runs so far were asked for, in order.
    std::vector<std::string> runs() const {
        std::vector<std::string> lines;
        std::istringstream text(test::read(root_.path() / "runs"));
        for (std::string line; std::getline(text, line);) lines.push_back(line);
        return lines;
    }
    void note_run(const RunOptions& options) const {
        std::ofstream(root_.path() / "runs", std::ios::app)
            << (options.mode == remediations::RunMode::fix ? "fix" : "diagnose") << ' ' << options.error_code << '\n';
    }
    static Report healthy_report() {
        Report report;
        report.outcomes = {{&sample, remediations::Finding::healthy("As it should be."), {}}};
        return report;
    }
    static Report broken_report() {
        Report report;
        report.outcomes = {{&sample, remediations::Finding::broken("It is broken.", {}, "Mend it."), {}}};
        return report;
    }
    /// A run lasts until let_go().
    void hold_runs() {
        run_ = [this](const RunOptions& options) -> Result<Report> {
            note_run(options);
            options.progress("diagnosing");
            while (!fs::exists(root_.path() / "go") && fs::exists(root_.path())) std::this_thread::sleep_for(5ms);
            return healthy_report();
        };
    }
    void let_go() { test::write(root_.path() / "go", ""); }
    void wait_for_runs(std::size_t count) {
        wait_until([&] { return runs().size() >= count; });
    }
    pid_t worker() const { return std::stoi(test::read(root_.path() / "worker.pid")); }
    SequenceRecord stored() const { return load_sequence(handler_.folder).value().value(); }

    test::TemporaryFolder root_;
    test::HandlerFolder handler_{root_.path() / "waagent"};
    bool no_scheduler_ = false;
    const fs::path state_ = root_.path() / "state";
    std::map<std::string, std::string> variables_;
    bool privileged_ = true;
    std::string input_;
    unsigned upload_status_ = 201;
    bool detaching_fails_ = false;
    bool systemd_starts_nothing_ = false;
    std::function<Result<Report>(const RunOptions&)> run_ = [this](const RunOptions& options) -> Result<Report> {
        note_run(options);
        return healthy_report();
    };
    std::ostringstream out_;
    std::ostringstream err_;
    std::vector<pid_t> children_;
    pid_t supervisor_ = 0;
};

class EnableTest : public CommandsTest {};

TEST_F(EnableTest, TheVeryFirstOneWithNumberZeroRuns) {
    handler_.settings(0, R"({"mode":"fix","errorCode":"SomeCode"})");
    EXPECT_EQ(run_to_the_end(0), ExitCode::ok);
    EXPECT_THAT(runs(), ElementsAre("fix SomeCode"));
    EXPECT_EQ(handler_.word(0), "success");
    EXPECT_THAT(handler_.message(0), HasSubstr("Nothing to do in this VM"));
    EXPECT_EQ(stored().state, SequenceState::finished);
    EXPECT_EQ(out_.str() + err_.str(), "");
}

TEST_F(EnableTest, StatusIsTransitioningBeforeItAnswers) {
    hold_runs();
    handler_.settings(0);
    EXPECT_EQ(enable(0), ExitCode::ok);
    EXPECT_EQ(handler_.word(0), "transitioning");
    wait_until([&] { return handler_.message(0) == "Running: diagnosing."; });
    let_go();
    wait_for_the_end(0);
}

TEST_F(EnableTest, WithoutSettingsItDiagnoses) {
    test::write(handler_.folder / "config/0.settings", "");
    EXPECT_EQ(run_to_the_end(0), ExitCode::ok);
    EXPECT_THAT(runs(), ElementsAre("diagnose "));
}

TEST_F(EnableTest, AFinishedNumberIsNotRunAgainButStaysReported) {
    handler_.settings(3);
    run_to_the_end(3);
    const auto reported = test::read(handler_.status_path(3));
    EXPECT_EQ(enable(3), ExitCode::ok);
    fs::remove(handler_.status_path(3));
    test::write(handler_.folder / "config/3.settings", "");  // emptied by somebody: it was read already
    EXPECT_EQ(enable(3), ExitCode::ok);
    EXPECT_EQ(test::read(handler_.status_path(3)), reported);
    EXPECT_TRUE(nobody_at_work());
    EXPECT_EQ(runs().size(), 1U);
}

TEST_F(EnableTest, AnyOtherNumberRunsAlsoALowerOne) {
    for (const auto number : {3U, 4U, 2U, 3U}) {
        handler_.settings(number);
        run_to_the_end(number);
    }
    EXPECT_EQ(runs().size(), 4U);
    EXPECT_EQ(stored().number, 3U);
}

TEST_F(EnableTest, WhileItRunsItIsJoined) {
    hold_runs();
    handler_.settings(5);
    EXPECT_EQ(enable(5), ExitCode::ok);
    wait_for_runs(1);
    fs::remove(handler_.status_path(5));
    EXPECT_EQ(enable(5), ExitCode::ok);
    EXPECT_EQ(handler_.word(5), "transitioning");
    let_go();
    wait_for_the_end(5);
    EXPECT_EQ(runs().size(), 1U);
    EXPECT_EQ(children_.size(), 1U);
}

TEST_F(EnableTest, TwoAtTheSameTimeRunItOnce) {
    handler_.settings(6);
    {
        std::vector<std::unique_ptr<test::OtherProcess>> agents;
        for (int agent = 0; agent < 4; ++agent) {
            agents.push_back(std::make_unique<test::OtherProcess>([this] { return static_cast<int>(enable(6)); }));
        }
        for (const auto& agent : agents) EXPECT_EQ(agent->wait(), 0);
    }
    wait_for_the_end(6);
    EXPECT_EQ(runs().size(), 1U);
    EXPECT_EQ(handler_.word(6), "success");
}

TEST_F(EnableTest, TheNextNumberWaitsForTheEndOfTheOneAtWork) {
    hold_runs();
    handler_.settings(7);
    handler_.settings(8);
    handler_.settings(9);
    enable(7);
    wait_for_runs(1);
    EXPECT_EQ(enable(8), ExitCode::ok);
    EXPECT_EQ(handler_.word(8), "transitioning");
    EXPECT_EQ(enable(9), ExitCode::ok);
    EXPECT_EQ(handler_.message(8), "Not run: settings number 9 took the place of these.");
    EXPECT_EQ(runs().size(), 1U);
    let_go();
    wait_for_the_end(9);
    EXPECT_EQ(runs().size(), 2U);
    for (const auto number : {7U, 8U, 9U}) EXPECT_EQ(handler_.word(number), "success");
    EXPECT_THAT(handler_.message(7), HasSubstr("Nothing to do"));
    EXPECT_EQ(stored().number, 9U);
}

TEST_F(EnableTest, AWorkerThatDiesIsReported) {
    run_ = [this](const RunOptions& options) -> Result<Report> {
        note_run(options);
        ::kill(::getpid(), SIGKILL);
        return healthy_report();
    };
    handler_.settings(1);
    run_to_the_end(1);
    EXPECT_EQ(handler_.word(1), "error");
    EXPECT_THAT(handler_.message(1), HasSubstr("died with exit code 137. Nothing was changed."));
    EXPECT_EQ(enable(1), ExitCode::ok);
    EXPECT_EQ(runs().size(), 1U) << "what crashes would crash again";
}

TEST_F(EnableTest, AWorkerThatDiedChangingThingsSaysHowToUndoThem) {
    run_ = [this](const RunOptions&) -> Result<Report> {
        auto journal = remediations::Journal::create(state_, std::chrono::system_clock::now());
        remediations::JournalStep step;
        step.remediation = "sample";
        step.action = "run-tool";
        (void)journal->begin(step);
        ::_exit(139);
    };
    handler_.settings(1);
    run_to_the_end(1);
    EXPECT_THAT(handler_.message(1), HasSubstr("backup-remediation undo " + remediations::Journal::runs(state_).at(0)));
}

TEST_F(EnableTest, AWorkerThatUsesUpItsTimeIsReported) {
    hold_runs();
    handler_.settings(1);
    enable(1);
    wait_for_runs(1);
    test::write(root_.path() / "time-is-up", "");
    wait_for_the_end(1);
    EXPECT_EQ(handler_.word(1), "error");
    EXPECT_THAT(handler_.message(1), HasSubstr("was ended because it took longer than 20 minutes"));
}

TEST_F(EnableTest, AWorkerOutlivesItsSupervisor) {
    hold_runs();
    handler_.settings(1);
    enable(1);
    wait_for_runs(1);
    ::kill(supervisor_, SIGKILL);
    ::waitpid(supervisor_, nullptr, 0);
    children_.clear();
    EXPECT_EQ(enable(1), ExitCode::ok) << "the agent asks again meanwhile";
    let_go();
    wait_for_the_end(1);
    EXPECT_EQ(handler_.word(1), "success");
    EXPECT_EQ(runs().size(), 1U);
}

TEST_F(EnableTest, WhatWasCutShortIsRunAgain) {
    hold_runs();
    handler_.settings(1);
    enable(1);
    wait_for_runs(1);
    ::kill(supervisor_, SIGKILL);
    ::waitpid(supervisor_, nullptr, 0);
    children_.clear();
    ::kill(worker(), SIGKILL);
    wait_until([&] { return nobody_at_work(); });
    EXPECT_EQ(handler_.word(1), "transitioning");

    let_go();
    run_to_the_end(1);
    EXPECT_EQ(handler_.word(1), "success");
    EXPECT_EQ(runs().size(), 2U);
    EXPECT_EQ(stored().attempts, 2U);
}

TEST_F(EnableTest, WhatIsCutShortOverAndOverIsGivenUp) {
    handler_.settings(1);
    SequenceRecord record;
    record.number = 1;
    record.attempts = 5;
    ASSERT_TRUE(save_sequence(handler_.folder, record, *lock_sequence(handler_.folder)));
    EXPECT_EQ(enable(1), ExitCode::failed);
    EXPECT_EQ(err_.str(), "sequence 1 was begun 5 times and never came to its end\n");
    EXPECT_EQ(handler_.word(1), "error");
    EXPECT_THAT(runs(), IsEmpty());
}

TEST_F(EnableTest, InvalidSettingsAreReportedAtEveryCall) {
    handler_.settings(2, R"({"mode":"repair","typo":1})");
    for (int call = 0; call < 2; ++call) {
        EXPECT_EQ(enable(2), ExitCode::settings_invalid);
        EXPECT_EQ(err_.str(),
                  "publicSettings.mode: \"repair\" is no mode; expected \"diagnose\" or \"fix\"\n"
                  "publicSettings.typo: unknown setting\n");
        EXPECT_EQ(handler_.word(2), "error");
        EXPECT_THAT(handler_.message(2), HasSubstr("publicSettings.typo: unknown setting"));
    }
    EXPECT_THAT(runs(), IsEmpty());
    EXPECT_EQ(stored().state, SequenceState::rejected);
}

TEST_F(EnableTest, WhatWasRejectedForWantOfACertificateRunsOnceItIsThere) {
    handler_.settings(2, "{}", "\"bad\"", "\"AB\"");
    EXPECT_EQ(enable(2), ExitCode::settings_invalid);
    handler_.settings(2, "{}", "\"e30=\"", "\"AB\"");
    EXPECT_EQ(run_to_the_end(2), ExitCode::ok);
    EXPECT_EQ(handler_.word(2), "success");
}

TEST_F(EnableTest, EmptiedSettingsThatNeverRanAreAnError) {
    test::write(handler_.folder / "config/4.settings", "");
    EXPECT_EQ(enable(4), ExitCode::settings_invalid);
    EXPECT_THAT(handler_.message(4), HasSubstr("4.settings: empty"));
}

TEST_F(EnableTest, WhatCannotBeStartedIsReportedAndTriedAgain) {
    handler_.settings(1);
    detaching_fails_ = true;
    EXPECT_EQ(enable(1), ExitCode::failed);
    EXPECT_EQ(err_.str(), "cannot start a process\n");
    EXPECT_EQ(handler_.word(1), "error");
    detaching_fails_ = false;
    EXPECT_EQ(run_to_the_end(1), ExitCode::ok);
    EXPECT_EQ(handler_.word(1), "success");
}

TEST_F(EnableTest, WhereSystemdMayNotRunItASessionOfItsOwnDoes) {
    systemd_starts_nothing_ = true;
    handler_.settings(1);
    EXPECT_EQ(run_to_the_end(1), ExitCode::ok);
    EXPECT_EQ(handler_.word(1), "success");
}

TEST_F(EnableTest, ADamagedStoreRunsAgain) {
    handler_.settings(1);
    run_to_the_end(1);
    test::write(sequence_file(handler_.folder), std::string(100, '\0'));
    run_to_the_end(1);
    EXPECT_EQ(runs().size(), 2U);
}

TEST_F(EnableTest, ARunThatCannotBeDoneIsAnError) {
    for (const bool throws : {false, true}) {
        run_ = [throws](const RunOptions&) -> Result<Report> {
            if (throws) throw std::runtime_error("no memory");
            return machine::Error::failed("no journal");
        };
        const auto number = throws ? 2U : 1U;
        handler_.settings(number);
        run_to_the_end(number);
        EXPECT_EQ(handler_.word(number), "error");
        EXPECT_THAT(handler_.message(number), HasSubstr(throws ? "no memory" : "no journal"));
    }
}

TEST_F(CommandsTest, TheFreezeIsRehearsedWhereThatWasAskedFor) {
    handler_.settings(1, R"({"rehearsal":true,"rehearsalIncludesSystem":true})");
    run_to_the_end(1);
    const auto status = test::read(handler_.folder / "status/1.status");
    EXPECT_THAT(status, HasSubstr("freeze-rehearsal"));
    EXPECT_THAT(status, HasSubstr("healthy: system: true, " + handler_.folder.string() + " "));
    EXPECT_THAT(status, HasSubstr(" " + state_.string() + " "));
    handler_.settings(2, "{}");
    run_to_the_end(2);
    EXPECT_THAT(test::read(handler_.folder / "status/2.status"), testing::Not(HasSubstr("freeze-rehearsal")));
}

TEST_F(EnableTest, AVerboseLogIsWatchedToItsEnd) {
    handler_.settings(1);
    run_to_the_end(1);
    const auto soon =
        std::chrono::duration_cast<std::chrono::seconds>((std::chrono::system_clock::now() + 2s).time_since_epoch())
            .count();
    test::write(state_ / "verbose-log.json", fmt::format(R"({{"until":{},"after":""}})", soon));
    EXPECT_EQ(enable(1), ExitCode::ok) << "as after a reboot";
    EXPECT_TRUE(FileLock::held_elsewhere(verbose_log_lock_file(state_)));
    const auto children = children_.size();
    EXPECT_EQ(enable(1), ExitCode::ok);
    EXPECT_EQ(children_.size(), children) << "one is enough";
    wait_until([&] {
        return fs::exists(root_.path() / "verbose-log-ended") && test::read(root_.path() / "verbose-log-ended") == "x";
    });
}

TEST_F(EnableTest, ASupportBundleIsSentWhereThatWasAskedForAndNeverFailsTheRun) {
    // {"supportUpload":"https://a/c?sr=c&sig=s3cret"}
    const auto* protected_settings = R"("eyJzdXBwb3J0VXBsb2FkIjoiaHR0cHM6Ly9hL2M/c3I9YyZzaWc9czNjcmV0In0=")";
    handler_.settings(1, "{}", protected_settings, R"("AB12")");
    upload_status_ = 403;
    run_to_the_end(1);
    EXPECT_EQ(handler_.word(1), "success");
    auto status = test::read(handler_.folder / "status/1.status");
    EXPECT_THAT(status, HasSubstr("The support bundle was not sent: https://a/c/backup-remediation-"));
    EXPECT_TRUE(fs::exists(state_ / "support"));

    handler_.settings(2, "{}", protected_settings, R"("AB12")");
    upload_status_ = 201;
    run_to_the_end(2);
    status += test::read(handler_.folder / "status/2.status");
    EXPECT_THAT(status, HasSubstr("A support bundle was sent to https://a/c/backup-remediation-"));
    EXPECT_THAT(
        test::read(root_.path() / "requests"),
        AllOf(HasSubstr("sr=c&sig=s3cret&comp=block&blockid=00000000 bundle\n"), HasSubstr("&comp=blocklist ")));
    EXPECT_FALSE(fs::exists(state_ / "support"));
    for (const auto& entry : fs::recursive_directory_iterator(handler_.logs)) {
        if (entry.is_regular_file()) status += test::read(entry.path());
    }
    EXPECT_THAT(status, testing::Not(HasSubstr("s3cret")));
}

TEST_F(EnableTest, AnHtmlReportIsLeftBesideTheLog) {
    handler_.settings(1);
    run_to_the_end(1);
    const auto files = report_files_in(handler_.logs);
    ASSERT_EQ(files.size(), 1U);
    EXPECT_THAT(handler_.message(1), HasSubstr("Full report: " + files[0].string() + "."));
    EXPECT_THAT(test::read(files[0]), testing::StartsWith("<!doctype html>"));
}

TEST_F(EnableTest, WhatIsLeftIsAnErrorOnlyWhereThatIsWanted) {
    run_ = [](const RunOptions&) -> Result<Report> { return broken_report(); };
    handler_.settings(1);
    run_to_the_end(1);
    EXPECT_EQ(handler_.word(1), "success");
    EXPECT_THAT(handler_.message(1), testing::StartsWith("Action needed: Mend it."));
    handler_.settings(2, R"({"failOnUnresolved":true})");
    run_to_the_end(2);
    EXPECT_EQ(handler_.word(2), "error");
}

TEST_F(EnableTest, ARunOfSomebodyElseIsWaitedFor) {
    handler_.settings(1);
    ASSERT_TRUE(acquire_run_lock(state_, 0ms));
    test::LockHolder person(run_lock_file(state_));
    enable(1);
    wait_until([&] { return handler_.message(1) == "Running: waiting for another run to end."; });
    EXPECT_THAT(runs(), IsEmpty());
    person.release();
    wait_for_the_end(1);
    EXPECT_EQ(runs().size(), 1U);
}

TEST_F(EnableTest, ALogThatCannotBeWrittenStopsNothing) {
    fs::remove_all(handler_.logs);
    test::write(handler_.logs, "no folder");
    handler_.settings(1);
    EXPECT_EQ(run_to_the_end(1), ExitCode::ok);
    EXPECT_EQ(handler_.word(1), "success");
    EXPECT_THAT(handler_.message(1), HasSubstr("There is no log:"));
}

TEST_F(EnableTest, AFolderDeletedDuringTheRunStaysDeleted) {
    hold_runs();
    handler_.settings(1);
    enable(1);
    wait_for_runs(1);
    // Its status is replaced now and then, under another name for a moment.
    for (std::error_code error; fs::exists(handler_.folder);) fs::remove_all(handler_.folder, error);
    let_go();
    ::waitpid(supervisor_, nullptr, 0);
    children_.clear();
    EXPECT_FALSE(fs::exists(handler_.folder));
}

TEST_F(EnableTest, NothingOfProtectedSettingsIsWrittenAnywhere) {
    // {"mode":"s3cret","s3cret":"s3cret","only":["s3cret"]}
    handler_.settings(1, "{}", "\"eyJtb2RlIjoiczNjcmV0IiwiczNjcmV0IjoiczNjcmV0Iiwib25seSI6WyJzM2NyZXQiXX0=\"",
                      "\"AB\"");
    EXPECT_EQ(enable(1), ExitCode::settings_invalid);
    EXPECT_THAT(handler_.message(1), HasSubstr("protectedSettings.mode"));
    EXPECT_EQ((out_.str() + err_.str()).find("s3cret"), std::string::npos);
    for (const auto& entry : fs::recursive_directory_iterator(root_.path())) {
        if (!entry.is_regular_file()) continue;
        EXPECT_EQ(test::read(entry).find("s3cret"), std::string::npos) << entry;
    }
}

class DisableTest : public CommandsTest {};

TEST_F(DisableTest, WhereNothingRunsThereIsNothingToDo) {
    EXPECT_EQ(command("disable"), ExitCode::ok);
    EXPECT_FALSE(fs::exists(stop_file(handler_.folder)));
}

TEST_F(DisableTest, ARunEndsBeforeItsNextFixAndIsRunAgainByTheNextEnable) {
    run_ = [this](const RunOptions& options) -> Result<Report> {
        note_run(options);
        if (runs().size() > 1) return healthy_report();
        while (!options.stop_requested()) std::this_thread::sleep_for(5ms);
        return broken_report();
    };
    handler_.settings(1, R"({"mode":"fix"})");
    enable(1);
    wait_for_runs(1);
    EXPECT_EQ(command("disable"), ExitCode::ok);
    EXPECT_TRUE(nobody_at_work());
    EXPECT_EQ(handler_.word(1), "success");
    EXPECT_THAT(handler_.message(1), testing::StartsWith("Stopped before its end"));
    EXPECT_EQ(stored().state, SequenceState::running);

    run_to_the_end(1);
    EXPECT_EQ(runs().size(), 2U);
    EXPECT_EQ(stored().state, SequenceState::finished);
}

TEST_F(DisableTest, AWaitForAnotherRunEndsToo) {
    handler_.settings(1);
    ASSERT_TRUE(acquire_run_lock(state_, 0ms));
    test::LockHolder person(run_lock_file(state_));
    enable(1);
    wait_until([&] { return handler_.message(1) == "Running: waiting for another run to end."; });
    EXPECT_EQ(command("disable"), ExitCode::ok);
    EXPECT_TRUE(nobody_at_work());
    EXPECT_THAT(runs(), IsEmpty());
}

class UpdateTest : public CommandsTest {
protected:
    UpdateTest() {
        handler_.settings(3);
        variables_["ConfigSequenceNumber"] = "3";
    }
    /// The command of another version's folder.
    ExitCode command_in(const test::HandlerFolder& folder, const std::string& name) {
        auto system = CommandsTest::system();
        system.executable = folder.folder / "bin/x86_64/backup-remediation";
        return agent_command({name}, system, out_, err_);
    }
    std::optional<SequenceRecord> stored_in(const test::HandlerFolder& folder) const {
        return load_sequence(folder.folder).value();
    }
};

TEST_F(UpdateTest, CarriesTheStoreToTheNewVersion) {
    run_to_the_end(3);
    const auto before = stored();
    const test::HandlerFolder newer(root_.path() / "waagent", "1.0.0.1");
    variables_["VERSION"] = "1.0.0.1";
    variables_["AZURE_GUEST_AGENT_UPDATING_FROM_VERSION"] = "1.0.0.0";
    variables_["AZURE_GUEST_AGENT_DISABLE_CMD_EXIT_CODE"] = "0";
    EXPECT_EQ(command("disable"), ExitCode::ok);
    EXPECT_EQ(command_in(newer, "update"), ExitCode::ok);
    EXPECT_EQ(stored_in(newer), before);
    EXPECT_EQ(command("uninstall"), ExitCode::ok);
    EXPECT_TRUE(fs::exists(state_)) << "it belongs to the next version too";
    EXPECT_THAT(Log::files_in(handler_.logs), testing::Not(IsEmpty()));
    fs::remove_all(handler_.folder);

    EXPECT_EQ(command_in(newer, "install"), ExitCode::ok);
    newer.settings(3);
    EXPECT_EQ(command_in(newer, "enable"), ExitCode::ok);
    EXPECT_EQ(runs().size(), 1U) << "it is not run again";
    EXPECT_EQ(test::read(newer.status_path(3)), before.status_text);
}

TEST_F(UpdateTest, ADowngradeRunsInTheHigherVersionWithWrongVariables) {
    run_to_the_end(3);
    const test::HandlerFolder lower(root_.path() / "waagent", "0.9.0.0");
    variables_["VERSION"] = "0.9.0.0";
    variables_["AZURE_GUEST_AGENT_UPDATING_FROM_VERSION"] = "0.9.0.0";
    EXPECT_EQ(command("update"), ExitCode::ok);
    EXPECT_EQ(stored_in(lower), stored());
}

TEST_F(UpdateTest, AFailedUpdateIsTriedAgain) {
    run_to_the_end(3);
    const test::HandlerFolder newer(root_.path() / "waagent", "1.0.0.1");
    variables_["VERSION"] = "1.0.0.1";
    variables_["AZURE_GUEST_AGENT_UPDATING_FROM_VERSION"] = "1.0.0.0";
    variables_["AZURE_GUEST_AGENT_DISABLE_CMD_EXIT_CODE"] = "None";
    fs::create_directory(sequence_file(newer.folder));  // nothing can be written there
    EXPECT_EQ(command_in(newer, "update"), ExitCode::failed);
    EXPECT_THAT(err_.str(), HasSubstr("sequence.json"));
    fs::remove(sequence_file(newer.folder));
    EXPECT_EQ(command_in(newer, "update"), ExitCode::ok);
    EXPECT_EQ(command_in(newer, "update"), ExitCode::ok);
    EXPECT_EQ(stored_in(newer), stored());
}

TEST_F(UpdateTest, ARunCutShortByItIsRunAgainInTheNewVersion) {
    run_ = [this](const RunOptions& options) -> Result<Report> {
        note_run(options);
        if (runs().size() > 1) return healthy_report();
        while (!options.stop_requested()) std::this_thread::sleep_for(5ms);
        return broken_report();
    };
    handler_.settings(3, R"({"mode":"fix"})");
    enable(3);
    wait_for_runs(1);
    const test::HandlerFolder newer(root_.path() / "waagent", "1.0.0.1");
    newer.settings(3, R"({"mode":"fix"})");
    EXPECT_EQ(command("disable"), ExitCode::ok);
    EXPECT_EQ(command_in(newer, "update"), ExitCode::ok);
    EXPECT_EQ(command_in(newer, "enable"), ExitCode::ok);
    wait_until([&] { return newer.word(3) != "transitioning"; });
    EXPECT_EQ(runs().size(), 2U);
}

TEST_F(UpdateTest, ADamagedStoreIsNotCarriedButStopsNothing) {
    test::write(sequence_file(handler_.folder), "{");
    const test::HandlerFolder newer(root_.path() / "waagent", "1.0.0.1");
    EXPECT_EQ(command_in(newer, "update"), ExitCode::ok);
    EXPECT_EQ(stored_in(newer), std::nullopt);
}

TEST_F(UpdateTest, WithoutAnEarlierVersionThereIsNothingToCarry) {
    EXPECT_EQ(command("update"), ExitCode::ok);
}

class CarryOverTest : public testing::Test {
protected:
    fs::path make(const std::string& name, const std::optional<std::chrono::seconds>& store_age = std::nullopt) const {
        const auto folder = root_.path() / name;
        fs::create_directories(folder);
        if (store_age) {
            test::write(sequence_file(folder), "{}");
            fs::last_write_time(sequence_file(folder), fs::file_time_type::clock::now() - *store_age);
        }
        return folder;
    }
    static void expect(const CarryOver& found, const fs::path& from, const fs::path& to) {
        EXPECT_EQ(found.from, from);
        EXPECT_EQ(found.to, to);
    }
    test::TemporaryFolder root_;
};

TEST_F(CarryOverTest, KnowsBothLayouts) {
    const auto linux_old = make("A.B-1.0.0.0");
    const auto linux_new = make("A.B-1.0.0.1");
    expect(carry_over(linux_new, "1.0.0.1", "1.0.0.0"), linux_old, linux_new);
    const auto windows_old = make("A.B/1.0.0.0");
    const auto windows_new = make("A.B/1.0.0.1");
    expect(carry_over(windows_new, "1.0.0.1", "1.0.0.0"), windows_old, windows_new);
    expect(carry_over(windows_new, "1.0.0.0", "1.0.0.0"), windows_new, windows_old);
}

TEST_F(CarryOverTest, WithoutUsableVariablesTheNewestStoreCounts) {
    const auto own = make("A.B-2.0", std::chrono::seconds(0));
    make("A.B-1.0", std::chrono::seconds(500));
    const auto newest = make("A.B-1.1", std::chrono::seconds(100));
    make("A.B-1.2");
    make("A.C-1.0", std::chrono::seconds(1));
    make("A.B-1.0-backup", std::chrono::seconds(1));
    for (const auto* version : {"", "2.0", "9.9", "None", "../../etc", "1.0/.."}) {
        expect(carry_over(own, version, version), newest, own);
    }
}

TEST_F(CarryOverTest, AloneThereIsNoSource) {
    const auto own = make("A.B-2.0");
    expect(carry_over(own, "2.0", "1.0"), {}, own);
}

class InstallTest : public CommandsTest {};

TEST_F(InstallTest, MakesTheStateFolderAndKeepsTheStore) {
    handler_.settings(1);
    run_to_the_end(1);
    const auto before = stored();
    EXPECT_EQ(command("install"), ExitCode::ok);
    EXPECT_TRUE(fs::is_directory(state_));
    EXPECT_EQ(stored(), before);
}

TEST_F(InstallTest, NeedsTheRights) {
    privileged_ = false;
    for (const auto* name : {"install", "enable", "update", "disable", "uninstall", "reset"}) {
        EXPECT_EQ(command(name), ExitCode::not_privileged);
        EXPECT_EQ(err_.str(), std::string(name) + ": must run as root, or as SYSTEM on Windows\n");
    }
    EXPECT_FALSE(fs::exists(state_));
}

TEST_F(InstallTest, NeedsTheAgentsFolder) {
    fs::remove(handler_.folder / "HandlerEnvironment.json");
    EXPECT_EQ(command("install"), ExitCode::environment);
    EXPECT_THAT(err_.str(), HasSubstr("no HandlerEnvironment.json"));
}

TEST_F(InstallTest, AStateFolderThatCannotBeMadeFailsNoInstallation) {
    test::write(state_, "");
    EXPECT_EQ(command("install"), ExitCode::ok) << "a diagnosis needs none";
}

class ApplyTest : public CommandsTest {
protected:
    ExitCode apply(const std::string& input) {
        input_ = input;
        return command("apply");
    }
};

TEST_F(ApplyTest, RunsAtOnceWhatStandardInputAsksForAndPrintsTheStatus) {
    EXPECT_EQ(apply(R"({"publicSettings":{"mode":"fix","errorCode":"X"}})"), ExitCode::ok);
    EXPECT_EQ(apply("{}"), ExitCode::ok);
    EXPECT_THAT(runs(), ElementsAre("fix X", "diagnose "));
    EXPECT_EQ(err_.str(), "");
    EXPECT_THAT(out_.str(), testing::StartsWith("Nothing to do in this VM"));
    const auto reports = report_files_in(applied_log_folder(state_));
    ASSERT_FALSE(reports.empty());
    EXPECT_THAT(out_.str(), HasSubstr("Full report: " + reports.back().string() + ".\n  guest-agent: "));
    EXPECT_FALSE(fs::exists(handler_.folder / "sequence.json")) << "it is none of the guest agent's business";
}

TEST_F(ApplyTest, WhatItPrintsFitsIntoWhatIsShownOfIt) {
    run_ = [](const RunOptions&) -> Result<Report> {
        Report report;
        for (int count = 0; count < 100; ++count) {
            report.outcomes.push_back(
                {&sample, remediations::Finding::broken(std::string(200, 'b'), {}, std::string(200, 'm')), {}});
        }
        return report;
    };
    EXPECT_EQ(apply("{}"), ExitCode::ok);
    EXPECT_THAT(out_.str().size(), AllOf(testing::Gt(1000U), testing::Le(most_output_bytes)));
}

TEST_F(ApplyTest, FailsOnlyWhereTheExtensionWould) {
    run_ = [](const RunOptions&) -> Result<Report> { return broken_report(); };
    EXPECT_EQ(apply("{}"), ExitCode::ok);
    EXPECT_THAT(out_.str(), testing::StartsWith("Action needed: Mend it."));
    EXPECT_EQ(apply(R"({"publicSettings":{"failOnUnresolved":true}})"), ExitCode::something_left);
    run_ = [](const RunOptions&) -> Result<Report> { return machine::Error::failed("no machine"); };
    EXPECT_EQ(apply("{}"), ExitCode::failed);
    EXPECT_THAT(out_.str(), HasSubstr("no machine"));
    privileged_ = false;
    EXPECT_EQ(apply("{}"), ExitCode::not_privileged);
}

TEST_F(ApplyTest, WrongSettingsAreNamedAndNothingIsRun) {
    for (const auto& [input, named] : std::initializer_list<std::pair<const char*, const char*>>{
             {"", "standard input"},
             {R"({"s3cret)", "expected one JSON object"},
             {"[]", "expected object, found array"},
             {R"({"s3cret":{}})", "unknown key"},
             {R"({"publicSettings":[]})", "publicSettings: expected object"},
             {R"({"protectedSettings":"s3cret"})", "protectedSettings: expected object"},
             {R"({"protectedSettings":{"mode":"s3cret"}})", "protectedSettings.mode"},
             {R"({"publicSettings":{"mode":"fix"},"protectedSettings":{"mode":"fix"}})", "in one of them"}}) {
        EXPECT_EQ(apply(input), ExitCode::settings_invalid) << input;
        EXPECT_THAT(out_.str(), AllOf(HasSubstr(named), testing::Not(HasSubstr("s3cret")))) << input;
    }
    EXPECT_THAT(runs(), IsEmpty());
    EXPECT_FALSE(fs::exists(state_));
}

TEST_F(ApplyTest, AnUploadsAddressIsWrittenNowhere) {
    EXPECT_EQ(apply(R"({"protectedSettings":{"supportUpload":"https://a/c?sr=c&sig=s3cret"}})"), ExitCode::ok);
    EXPECT_THAT(out_.str(), AllOf(HasSubstr("support-upload: "), testing::Not(HasSubstr("s3cret"))));
    EXPECT_THAT(test::read(root_.path() / "requests"), HasSubstr("s3cret"));
    for (const auto& entry : fs::recursive_directory_iterator(state_)) {
        if (!entry.is_regular_file()) continue;
        EXPECT_EQ(test::read(entry).find("s3cret"), std::string::npos) << entry;
    }
}

TEST_F(ApplyTest, CleanUpLeavesNothing) {
    EXPECT_EQ(command("clean-up"), ExitCode::ok);
    EXPECT_EQ(apply("{}"), ExitCode::ok);
    EXPECT_EQ(command("clean-up"), ExitCode::ok);
    EXPECT_EQ(out_.str() + err_.str(), "");
    EXPECT_FALSE(fs::exists(state_));
}

class UninstallTest : public CommandsTest {};

TEST_F(UninstallTest, LeavesNothing) {
    handler_.settings(1);
    run_to_the_end(1);
    EXPECT_EQ(command("uninstall"), ExitCode::ok);
    EXPECT_EQ(out_.str() + err_.str(), "");
    EXPECT_FALSE(fs::exists(state_));
    std::vector<std::string> left;
    for (const auto& entry : fs::recursive_directory_iterator(handler_.folder)) {
        if (entry.is_regular_file()) left.push_back(entry.path().filename().string());
    }
    EXPECT_THAT(left, testing::UnorderedElementsAre("HandlerEnvironment.json", "1.settings"));
    EXPECT_THAT(Log::files_in(handler_.logs), IsEmpty());
    EXPECT_THAT(report_files_in(handler_.logs), IsEmpty());
}

TEST_F(UninstallTest, LeavesTheJournalAndSaysWhere) {
    ASSERT_EQ(command("install"), ExitCode::ok);
    auto journal = remediations::Journal::create(state_, std::chrono::system_clock::now());
    remediations::JournalStep step;
    step.remediation = "sample";
    step.action = "run-tool";
    ASSERT_TRUE(journal->begin(step));
    const auto run = journal->run_id();
    EXPECT_EQ(command("uninstall"), ExitCode::ok);
    EXPECT_EQ(out_.str(), "The undo journal of 1 run stays in " + (state_ / "runs").string() + "\n");
    EXPECT_TRUE(fs::exists(state_ / "runs" / run));
    EXPECT_EQ(std::distance(fs::directory_iterator(state_), {}), 1);
}

TEST_F(UninstallTest, ALockOfSomebodyElseIsNotTakenAway) {
    ASSERT_TRUE(acquire_run_lock(state_, 0ms));
    test::LockHolder person(run_lock_file(state_));
    EXPECT_EQ(command("uninstall"), ExitCode::ok);
    EXPECT_TRUE(fs::exists(run_lock_file(state_)));
}

TEST_F(UninstallTest, StopsTheRunFirst) {
    run_ = [this](const RunOptions& options) -> Result<Report> {
        note_run(options);
        while (!options.stop_requested()) std::this_thread::sleep_for(5ms);
        return broken_report();
    };
    handler_.settings(1, R"({"mode":"fix"})");
    enable(1);
    wait_for_runs(1);
    EXPECT_EQ(command("uninstall"), ExitCode::ok);
    EXPECT_TRUE(nobody_at_work());
    EXPECT_FALSE(fs::exists(sequence_file(handler_.folder)));
}

class ResetTest : public CommandsTest {};

TEST_F(ResetTest, TheSameNumberRunsAgain) {
    handler_.settings(1);
    run_to_the_end(1);
    EXPECT_EQ(command("reset"), ExitCode::ok);
    EXPECT_FALSE(fs::exists(handler_.status_path(1)));
    EXPECT_FALSE(fs::exists(sequence_file(handler_.folder)));
    run_to_the_end(1);
    EXPECT_EQ(runs().size(), 2U);
}

TEST(AgentCommand, KnowsItsNames) {
    for (const auto* name : {"install", "enable", "update", "disable", "uninstall", "reset", "supervise", "worker"}) {
        EXPECT_TRUE(is_agent_command(name)) << name;
    }
    for (const auto* name : {"", "diagnose", "fix", "undo", "Enable", "--help"}) {
        EXPECT_FALSE(is_agent_command(name)) << name;
    }
}

TEST(AgentCommand, RefusesWrongArguments) {
    std::ostringstream out;
    std::ostringstream err;
    for (const std::vector<std::string>& arguments : std::initializer_list<std::vector<std::string>>{
             {"enable", "now"}, {"supervise"}, {"worker", "/x"}, {"worker", "/x", "y"}, {"worker", "/x", "1x"}}) {
        EXPECT_EQ(agent_command(arguments, {}, out, err), ExitCode::usage);
    }
    EXPECT_EQ(out.str(), "");
}

class GuardCommandsTest : public CommandsTest {
protected:
    void SetUp() override { test::write(handler_.folder / "bin/x86_64/backup-remediation", "the program"); }
    void enable_with(unsigned number, const std::string& settings) {
        handler_.settings(number, settings);
        ASSERT_EQ(run_to_the_end(number), ExitCode::ok);
        ASSERT_EQ(handler_.word(number), "success");
    }
    bool is_there() const { return fs::exists(guard_folder(state_)) && fs::exists(root_.path() / "job"); }
    bool is_gone() const { return !fs::exists(guard_folder(state_)) && !fs::exists(root_.path() / "job"); }
    GuardSettings guard() const { return load_guard_settings(state_).value().value(); }
    std::string guard_message(unsigned number) const {
        const auto status = handler_.status(number);
        for (const auto& each : status.at("substatus").as_array()) {
            if (each.at("name") == "guard") return std::string(each.at("formattedMessage").at("message").as_string());
        }
        return {};
    }
};

TEST_F(GuardCommandsTest, SettingsSwitchItOnAndOff) {
    enable_with(0, R"({"guard":"repair","guardHours":2,"maxDisruption":"workload","exclude":["agent-hung"]})");
    EXPECT_TRUE(is_there());
    EXPECT_EQ(guard().mode, GuardMode::repair);
    EXPECT_EQ(guard().every, 2h);
    EXPECT_EQ(guard().max_disruption, remediations::Disruption::workload);
    EXPECT_THAT(guard().exclude, ElementsAre("agent-hung"));
    EXPECT_EQ(guard().handler_folder, handler_.folder);
    EXPECT_EQ(test::read(guard_program(state_)), "the program");
    EXPECT_EQ(guard_message(0), "repair, every 2 h. It has not had to look yet.");

    enable_with(1, R"({"mode":"diagnose"})");
    EXPECT_TRUE(is_gone());
    EXPECT_EQ(guard_message(1), "");
}

TEST_F(GuardCommandsTest, OneThatAPersonSwitchedOnStaysUntilSettingsNameIt) {
    GuardSettings by_hand;
    by_hand.mode = GuardMode::watch;
    by_hand.by_hand = true;
    ASSERT_TRUE(save_guard_settings(state_, by_hand));
    enable_with(0, "{}");
    EXPECT_TRUE(is_there());
    EXPECT_EQ(guard().mode, GuardMode::watch);
    EXPECT_EQ(guard().handler_folder, handler_.folder);
    EXPECT_THAT(guard_message(0), HasSubstr("watch"));
    enable_with(1, R"({"guard":"off"})");
    EXPECT_TRUE(is_gone());
}

TEST_F(GuardCommandsTest, DisableSuspendsItAndEnableResumesIt) {
    enable_with(0, R"({"guard":"repair"})");
    ASSERT_EQ(command("disable"), ExitCode::ok);
    EXPECT_TRUE(guard().suspended);
    test::write(stop_file(handler_.folder), "");
    fs::remove(root_.path() / "job");
    ASSERT_EQ(enable(0), ExitCode::ok);
    EXPECT_FALSE(guard().suspended);
    EXPECT_TRUE(is_there());
    EXPECT_FALSE(fs::exists(stop_file(handler_.folder)));
}

TEST_F(GuardCommandsTest, UninstallRemovesItUnlessANewerVersionGoesOn) {
    enable_with(0, R"({"guard":"repair"})");
    test::write(handler_.folder / "carried-over", "");
    ASSERT_EQ(command("uninstall"), ExitCode::ok);
    EXPECT_TRUE(is_there());
    ASSERT_EQ(command("uninstall"), ExitCode::ok);
    EXPECT_TRUE(is_gone());
}

TEST_F(GuardCommandsTest, WithoutASchedulerTheStatusSaysSo) {
    no_scheduler_ = true;
    enable_with(0, R"({"guard":"repair"})");
    EXPECT_TRUE(is_gone());
    EXPECT_EQ(guard_message(0), "The guard could not be switched on: there is no scheduler.");
}

TEST_F(GuardCommandsTest, ATickIsNotForEverybody) {
    privileged_ = false;
    std::ostringstream out;
    std::ostringstream err;
    EXPECT_EQ(agent_command({guard_command}, system(), out, err), ExitCode::usage);
}

}  // namespace
}  // namespace handler::commands_linux_test
