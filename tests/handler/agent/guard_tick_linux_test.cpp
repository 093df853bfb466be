#include "handler/agent/guard_tick.hpp"

#include <gmock/gmock.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <map>
#include <set>

#include "handler/agent/azure_task.hpp"
#include "handler/agent/lock.hpp"
#include "handler/agent/sequence.hpp"
#include "handler/agent/worker.hpp"
#include "handler/guard/guard_policy.hpp"
#include "tests/handler/handler_folder.hpp"
#include "tests/handler/other_process.hpp"
#include "tests/handler/sample_report.hpp"

namespace handler::guard_tick_linux_test {
namespace {

using machine::Result;
using machine::local::JobBy;
using machine::local::RecurringJob;
using remediations::BackupAttempt;
using remediations::BackupSigns;
using remediations::Disruption;
using remediations::Finding;
using remediations::Layer;
using remediations::Report;
using remediations::RunMode;
using remediations::RunOptions;
using remediations::State;
using remediations::UndoneStep;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

const GuardTime begin{std::chrono::sys_days(std::chrono::year(2026) / 11 / 30)};
const auto dead_agent = samples::repairable(samples::cause("dead-agent", "The agent is dead", Layer::guest_agent),
                                            Disruption::agent_restart);
const auto bad_script =
    samples::repairable(samples::cause("bad-script", "A script fails", Layer::os_snapshot), Disruption::none);

/// What survives the death of a tick: the machine, in memory that processes share.
struct Vm {
    static constexpr int most_backups = 2000;

    std::int64_t now = 0;  ///< seconds since `begin`
    std::int64_t uptime = 36'000;
    bool agent_dead = false;
    bool script_bad = false;
    bool repair_helps = true;
    bool backup_runs = false;
    int repairs = 0;
    int diagnoses = 0;
    int undone = 0;
    int recovered = 0;
    int told = 0;
    int jobs_removed = 0;
    int backups = 0;
    struct Backup {
        std::int64_t time;
        int result;
    } past[most_backups] = {};
    std::int64_t repaired_at[most_backups] = {};

    void back_up() { past[backups++] = {now, agent_dead ? 400 : script_bad ? 306 : 1}; }
};

class GuardTickTest : public testing::Test {
protected:
    /// In memory, because each look syncs a dozen files.
    static void SetUpTestSuite() {
        if (fs::is_directory("/dev/shm")) ::setenv("TMPDIR", "/dev/shm", 1);
    }
    static void TearDownTestSuite() { ::unsetenv("TMPDIR"); }

    void SetUp() override {
        void* memory = ::mmap(nullptr, sizeof(Vm), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        ASSERT_NE(memory, MAP_FAILED);
        vm_ = new (memory) Vm;
        GuardSettings settings;
        settings.mode = GuardMode::repair;
        settings.handler_folder = handler_.folder;
        settings.version = BACKUP_REMEDIATION_VERSION;
        save(settings);
        const auto lock = lock_sequence(handler_.folder);
        SequenceRecord record;
        record.number = 3;
        record.state = SequenceState::finished;
        record.status_text = "[]";
        ASSERT_TRUE(save_sequence(handler_.folder, record, *lock));
    }
    void TearDown() override { ::munmap(vm_, sizeof(Vm)); }

    void save(const GuardSettings& settings) { ASSERT_TRUE(save_guard_settings(state_, settings)); }

    /// The k-th time that a tick asks the machine for something, it dies.
    void moment() const {
        if (dies_at_ > 0 && --dies_at_ == 0) ::_exit(137);
    }

    System system() {
        System system;
        system.privileged = [] { return true; };
        system.executable = handler_.folder / "bin/x86_64/backup-remediation";
        system.state_folder = state_;
        system.run = [this](const RunOptions& options) { return run(options); };
        system.guard.now = [this] { return begin + std::chrono::seconds(vm_->now); };
        system.guard.computer = [this] {
            return machine::local::Computer{computer_, "boot", std::chrono::seconds(vm_->uptime)};
        };
        system.guard.signs = [this] {
            moment();
            BackupSigns signs;
            signs.fingerprint = std::to_string(vm_->backups);
            signs.agent_is_dead = vm_->agent_dead;
            if (vm_->agent_dead) signs.agent_trouble = "no process of the guest agent runs";
            return signs;
        };
        system.guard.why_not_now = [this]() -> std::optional<std::string> {
            return vm_->backup_runs ? std::optional<std::string>("a backup is running") : std::nullopt;
        };
        system.guard.undo = [this](const std::string&) -> Result<std::vector<UndoneStep>> {
            moment();
            ++vm_->undone;
            return std::vector<UndoneStep>{{"edit x", UndoneStep::Result::undone, ""}};
        };
        system.guard.recover = [this](const std::string&) -> Result<std::string> {
            moment();
            ++vm_->recovered;
            return fmt::format("run{}", vm_->repairs);
        };
        system.guard.tell = [this](const std::string& line) {
            moment();
            ++vm_->told;
            told_ = line;
        };
        system.guard.install_job = [](const RecurringJob&) -> Result<JobBy> { return JobBy::systemd_timer; };
        system.guard.remove_job = [this](const std::string&) -> Result<void> {
            ++vm_->jobs_removed;
            return {};
        };
        return system;
    }

    Result<Report> run(const RunOptions& options) {
        moment();
        const auto is_left_out = [&](const auto& cause) {
            return std::ranges::find(options.exclude, cause.id) != options.exclude.end();
        };
        Report report = samples::report({});
        report.mode = options.mode;
        const bool fixes = options.mode == RunMode::fix;
        if (!fixes) ++vm_->diagnoses;
        for (auto [cause, broken] :
             {std::pair(&dead_agent, &vm_->agent_dead), std::pair(&bad_script, &vm_->script_bad)}) {
            if (is_left_out(*cause)) continue;
            auto outcome = samples::healthy(*cause);
            if (*broken) {
                outcome.finding = Finding::broken(fmt::format("It is so, pid {}.", vm_->now), {}, "Repair it.");
            }
            if (*broken && report.root_cause == nullptr) report.root_cause = cause;
            if (*broken && fixes && !options.stop_requested()) {
                vm_->repaired_at[vm_->repairs++] = vm_->now;
                report.run_id = fmt::format("run{}", vm_->repairs);
                if (vm_->repair_helps) {
                    *broken = false;
                    outcome.finding.state = State::fixed;
                    outcome.changes = {{"edit x"}};
                }
            }
            report.outcomes.push_back(std::move(outcome));
        }
        for (int index = std::max(0, vm_->backups - 30); index < vm_->backups; ++index) {
            BackupAttempt attempt;
            attempt.started = begin + std::chrono::seconds(vm_->past[index].time);
            attempt.result = vm_->past[index].result;
            attempt.succeeded = *attempt.result == 1;
            report.attempts.push_back(attempt);
        }
        moment();
        return report;
    }

    ExitCode tick() { return guard_tick(system()); }
    void pass(std::chrono::seconds time) {
        vm_->now += time.count();
        vm_->uptime += time.count();
    }
    ExitCode tick_after(std::chrono::seconds time) {
        pass(time);
        return tick();
    }
    /// The first tick of a new guard looks in any case.
    void settle() { ASSERT_EQ(tick(), ExitCode::ok); }

    GuardRecord record() const { return load_guard_record(state_); }
    std::string message() const { return handler_.message(3); }
    std::string guard_substatus_message() const {
        const auto status = handler_.status(3);
        for (const auto& each : status.at("substatus").as_array()) {
            if (each.at("name") == "guard") return std::string(each.at("formattedMessage").at("message").as_string());
        }
        return {};
    }

    /// Path, content and time of change of all there is, but for locks.
    std::map<std::string, std::string> files() const {
        std::map<std::string, std::string> all;
        for (const auto& entry : fs::recursive_directory_iterator(root_.path())) {
            if (!entry.is_regular_file()) continue;
            struct stat status {};
            ::stat(entry.path().c_str(), &status);
            all[entry.path()] =
                fmt::format("{}.{} {}", status.st_mtim.tv_sec, status.st_mtim.tv_nsec, test::read(entry.path()));
        }
        return all;
    }

    test::TemporaryFolder root_;
    test::HandlerFolder handler_{root_.path() / "agent"};
    fs::path state_ = root_.path() / "state";
    Vm* vm_ = nullptr;
    std::string computer_ = "vm1";
    std::string told_;
    mutable int dies_at_ = 0;
};

TEST_F(GuardTickTest, WhereNothingHappensNothingIsWritten) {
    settle();
    const auto before = files();
    for (int hour = 0; hour < 1000; ++hour) ASSERT_EQ(tick_after(1h), ExitCode::ok);
    EXPECT_EQ(files(), before);
    EXPECT_EQ(vm_->diagnoses, 1);
}

TEST_F(GuardTickTest, GoesOnWithWhatIsLeftToDoInAzure) {
    auto with_azure = system();
    std::vector<std::string> started;
    with_azure.start_detached = [&](const auto&, const auto&, const std::vector<std::string>& arguments, const auto&,
                                    auto) -> Result<machine::local::Detachment> {
        started = arguments;
        remove_azure_task(state_);
        return machine::local::Detachment::session;
    };
    ASSERT_EQ(guard_tick(with_azure), ExitCode::ok);
    EXPECT_THAT(started, SizeIs(0)) << "nothing is left";
    AzureTask task;
    task.id = "1";
    ASSERT_TRUE(save_azure_task(state_, task));
    ASSERT_EQ(guard_tick(with_azure), ExitCode::ok);
    EXPECT_EQ(started, (std::vector<std::string>{"azure", handler_.folder.string()}));
}

TEST_F(GuardTickTest, ABackupThatFailedIsRepairedAndTheNextOneProvesIt) {
    settle();
    vm_->script_bad = true;
    vm_->back_up();
    ASSERT_EQ(tick_after(1h), ExitCode::ok);
    EXPECT_EQ(vm_->repairs, 1);
    EXPECT_EQ(handler_.word(3), "success");
    EXPECT_THAT(message(), AllOf(HasSubstr("The guard, 2026-11-30T01:00:00Z:"), HasSubstr("Fixed: A script fails"),
                                 HasSubstr("To take it back:")));
    EXPECT_THAT(guard_substatus_message(), HasSubstr("bad-script (run run1, the next backup proves it)"));
    EXPECT_EQ(vm_->told, 0);

    pass(23h);
    vm_->back_up();
    ASSERT_EQ(tick_after(1h), ExitCode::ok);
    EXPECT_THAT(message(), HasSubstr("Repaired and proven: bad-script (run run1), for the backup of "
                                     "2026-12-01T00:00:00Z succeeded."));
    EXPECT_THAT(guard_substatus_message(), HasSubstr("bad-script (run run1, proven by a backup)"));
    EXPECT_EQ(vm_->undone, 0);
    const auto lock = lock_sequence(handler_.folder);
    EXPECT_THAT(load_sequence(handler_.folder).value()->status_text, HasSubstr("proven"));
}

TEST_F(GuardTickTest, WatchingRepairsNothing) {
    GuardSettings settings;
    settings.mode = GuardMode::watch;
    settings.handler_folder = handler_.folder;
    save(settings);
    settle();
    vm_->script_bad = true;
    vm_->back_up();
    ASSERT_EQ(tick_after(1h), ExitCode::ok);
    EXPECT_EQ(vm_->repairs, 0);
    EXPECT_THAT(message(), HasSubstr("Action needed"));
}

TEST_F(GuardTickTest, ARepairThatDoesNotHealIsTakenBackAndNotTriedAgain) {
    settle();
    vm_->script_bad = true;
    vm_->back_up();
    ASSERT_EQ(tick_after(1h), ExitCode::ok);
    ASSERT_EQ(vm_->repairs, 1);
    pass(1h);
    vm_->script_bad = true;
    vm_->back_up();
    ASSERT_EQ(tick_after(1h), ExitCode::ok);
    EXPECT_EQ(vm_->undone, 1);
    EXPECT_THAT(message(), HasSubstr("failed as before, so run run1 did not heal bad-script and was taken back"));
    for (int hour = 0; hour < 100; ++hour) {
        if (hour % 24 == 0) vm_->back_up();
        ASSERT_EQ(tick_after(1h), ExitCode::ok);
    }
    EXPECT_EQ(vm_->repairs, 1);
    EXPECT_EQ(vm_->undone, 1);
    EXPECT_THAT(message(), HasSubstr("The repair of bad-script did not help before"));
}

TEST_F(GuardTickTest, ARepairThatTheEngineTookBackIsNotTriedAgain) {
    settle();
    vm_->script_bad = true;
    vm_->repair_helps = false;
    vm_->back_up();
    for (int hour = 0; hour < 100; ++hour) ASSERT_EQ(tick_after(1h), ExitCode::ok);
    EXPECT_EQ(vm_->repairs, 1);
    EXPECT_EQ(vm_->undone, 0);
}

TEST_F(GuardTickTest, OneRepairATick) {
    settle();
    vm_->agent_dead = vm_->script_bad = true;
    vm_->back_up();
    ASSERT_EQ(tick_after(1h), ExitCode::ok);
    EXPECT_FALSE(vm_->agent_dead);
    EXPECT_TRUE(vm_->script_bad);
    ASSERT_EQ(tick_after(1h), ExitCode::ok);
    EXPECT_FALSE(vm_->script_bad);
    EXPECT_EQ(vm_->repairs, 2);
}

TEST_F(GuardTickTest, ADeadAgentIsToldOnceWhereAPersonSeesIt) {
    settle();
    vm_->agent_dead = true;
    vm_->repair_helps = false;
    for (int hour = 0; hour < 24; ++hour) ASSERT_EQ(tick_after(1h), ExitCode::ok);
    EXPECT_LE(vm_->told, 3);
    EXPECT_GE(vm_->told, 1);
    EXPECT_THAT(told_, AllOf(HasSubstr("no process of the guest agent runs"), HasSubstr(" Type, as root: "),
                             Not(HasSubstr("\n"))));
    vm_->agent_dead = false;
    pass(1h);
    vm_->back_up();
    ASSERT_EQ(tick(), ExitCode::ok);
    EXPECT_EQ(record().told, "");
}

TEST_F(GuardTickTest, NothingIsDoneWhileABackupOrABootIsAtWork) {
    settle();
    vm_->script_bad = true;
    vm_->back_up();
    pass(1h);
    const auto before = files();
    vm_->backup_runs = true;
    ASSERT_EQ(tick(), ExitCode::ok);
    vm_->backup_runs = false;
    const auto uptime = std::exchange(vm_->uptime, 14 * 60);
    ASSERT_EQ(tick(), ExitCode::ok);
    EXPECT_EQ(files(), before);
    vm_->uptime = uptime;
    ASSERT_EQ(tick(), ExitCode::ok);
    EXPECT_EQ(vm_->repairs, 1);
}

TEST_F(GuardTickTest, ItKeepsOutOfOtherRuns) {
    settle();
    vm_->script_bad = true;
    vm_->back_up();
    pass(1h);
    const auto expect_nothing = [&](const fs::path& file) {
        const test::LockHolder holder(file);
        ASSERT_EQ(tick(), ExitCode::ok);
        EXPECT_EQ(vm_->repairs, 0) << file;
    };
    for (const auto& file :
         {run_lock_file(state_), worker_lock_file(handler_.folder), supervisor_lock_file(handler_.folder)}) {
        expect_nothing(file);
    }
    ASSERT_EQ(tick(), ExitCode::ok);
    EXPECT_EQ(vm_->repairs, 1);
}

TEST_F(GuardTickTest, ADisabledExtensionSuspendsIt) {
    settle();
    ASSERT_TRUE(suspend_guard(state_));
    vm_->script_bad = true;
    vm_->back_up();
    const auto before = files();
    ASSERT_EQ(tick_after(1h), ExitCode::ok);
    EXPECT_EQ(files(), before);
}

TEST_F(GuardTickTest, AStopFileKeepsItFromRepairing) {
    settle();
    test::write(stop_file(handler_.folder), "");
    vm_->script_bad = true;
    vm_->back_up();
    ASSERT_EQ(tick_after(1h), ExitCode::ok);
    EXPECT_EQ(vm_->repairs, 0);
}

TEST_F(GuardTickTest, SettingsThatWereRefusedKeepTheirStatus) {
    settle();
    auto stored = **load_sequence(handler_.folder);
    stored.state = SequenceState::rejected;
    stored.status_text = "refused";
    const auto lock = lock_sequence(handler_.folder);
    ASSERT_TRUE(save_sequence(handler_.folder, stored, *lock));
    test::write(handler_.status_path(3), "refused");
    vm_->script_bad = true;
    vm_->back_up();
    ASSERT_EQ(tick_after(1h), ExitCode::ok);
    EXPECT_EQ(vm_->repairs, 1);
    EXPECT_EQ(test::read(handler_.status_path(3)), "refused");
}

TEST_F(GuardTickTest, AnExtensionThatWasRemovedByForceEndsIt) {
    settle();
    test::write(handler_.folder.parent_path() / "waagent_status.1.json", "{}");
    fs::remove_all(handler_.folder);
    ASSERT_EQ(tick_after(1h), ExitCode::ok);
    EXPECT_EQ(vm_->jobs_removed, 0);
    ASSERT_EQ(tick_after(1h), ExitCode::ok);
    EXPECT_EQ(vm_->jobs_removed, 1);
    EXPECT_FALSE(fs::exists(guard_folder(state_)));
    EXPECT_THAT(told_, HasSubstr("the extension was removed"));
    EXPECT_FALSE(fs::exists(handler_.folder));
}

TEST_F(GuardTickTest, AnUpdateDoesNotEndIt) {
    settle();
    const test::HandlerFolder newer(root_.path() / "agent", "1.1.0.0");
    fs::remove_all(handler_.folder);
    for (int hour = 0; hour < 3; ++hour) ASSERT_EQ(tick_after(1h), ExitCode::ok);
    EXPECT_EQ(vm_->jobs_removed, 0);
}

TEST_F(GuardTickTest, ALostAgentFolderDoesNotEndIt) {
    settle();
    fs::remove_all(handler_.folder.parent_path());
    vm_->agent_dead = true;
    for (int hour = 0; hour < 3; ++hour) ASSERT_EQ(tick_after(1h), ExitCode::ok);
    EXPECT_EQ(vm_->jobs_removed, 0);
    EXPECT_EQ(vm_->repairs, 1);
    EXPECT_GE(vm_->told, 1);
}

TEST_F(GuardTickTest, WithoutSettingsTheTimerIsRemoved) {
    fs::remove_all(state_);
    ASSERT_EQ(tick(), ExitCode::ok);
    EXPECT_EQ(vm_->jobs_removed, 1);
    EXPECT_FALSE(fs::exists(state_));
}

TEST_F(GuardTickTest, AnotherVmForgetsWhatThisOneDid) {
    settle();
    vm_->script_bad = true;
    vm_->back_up();
    ASSERT_EQ(tick_after(1h), ExitCode::ok);
    vm_->script_bad = true;
    ASSERT_EQ(tick_after(1h), ExitCode::ok);
    EXPECT_EQ(vm_->repairs, 1);
    computer_ = "vm2";
    ASSERT_EQ(tick_after(1h), ExitCode::ok);
    EXPECT_EQ(vm_->repairs, 2);
    EXPECT_THAT(record().treatments, SizeIs(1));
}

/// Flapping causes, backups that fail, a clock that jumps: a cause is repaired once a day at most, and nothing grows.
TEST_F(GuardTickTest, AThousandTicks) {
    std::uint32_t random = 1;
    const auto chance = [&](std::uint32_t one_in) {
        random = random * 1'664'525U + 1'013'904'223U;
        return (random >> 16U) % one_in == 0;
    };
    settle();
    for (int hour = 0; hour < 1000; ++hour) {
        if (chance(7)) vm_->script_bad = true;
        if (chance(11)) vm_->agent_dead = true;
        if (chance(20)) vm_->script_bad = false;
        if (chance(50)) vm_->agent_dead = false;
        vm_->repair_helps = !chance(5);
        if (hour % 12 == 0 || chance(30)) vm_->back_up();
        const int before = vm_->repairs;
        ASSERT_EQ(tick_after(1h), ExitCode::ok);
        ASSERT_LE(vm_->repairs, before + 1);
        if (fs::exists(handler_.status_path(3))) {
            ASSERT_EQ(handler_.word(3), "success");
        }
    }
    // Two causes: in any day two repairs at most.
    EXPECT_GT(vm_->repairs, 3);
    for (int index = 2; index < vm_->repairs; ++index) {
        EXPECT_GE(vm_->repaired_at[index] - vm_->repaired_at[index - 2], 24 * 3600) << index;
    }
    std::uintmax_t bytes = 0;
    std::size_t count = 0;
    for (const auto& entry : fs::recursive_directory_iterator(root_.path())) {
        if (!entry.is_regular_file()) continue;
        ++count;
        bytes += entry.file_size();
    }
    EXPECT_LT(count, 250U);
    EXPECT_LT(bytes, 8U << 20U);
    EXPECT_LT(fs::file_size(guard_record_file(state_)), 8U << 10U);
}

TEST_F(GuardTickTest, KilledAtAnyMomentTheNextTickGoesOn) {
    settle();
    for (int death = 1; death <= 12; ++death) {
        vm_->repair_helps = true;
        vm_->agent_dead = true;
        vm_->back_up();
        pass(25h);
        const int before = vm_->repairs;
        test::OtherProcess killed([&] {
            dies_at_ = death;
            return static_cast<int>(tick());
        });
        const bool died = killed.wait() == 137;
        ASSERT_TRUE(died || death > 5) << death;
        const bool in_repair = died && !record().repairing.empty();
        const int recovered = vm_->recovered;
        // The attempt counts: it is not made twice in a day.
        for (int hour = 0; hour < 3; ++hour) {
            ASSERT_EQ(tick_after(1h), ExitCode::ok);
            ASSERT_LE(vm_->repairs, before + 1) << death;
        }
        ASSERT_EQ(vm_->recovered, recovered + (in_repair ? 1 : 0)) << death;
        ASSERT_EQ(record().repairing, "");
        pass(25h);
        ASSERT_EQ(tick(), ExitCode::ok);
        ASSERT_FALSE(vm_->agent_dead) << death;
        pass(1h);
        vm_->back_up();
        ASSERT_EQ(tick_after(1h), ExitCode::ok);
        ASSERT_EQ(handler_.word(3), "success");
    }
}

TEST_F(GuardTickTest, WhatAKilledTickLeftBehindIsRemoved) {
    settle();
    const auto leftover = guard_folder(state_) / ".backup-remediation.0123456789abcdef";
    test::write(leftover, "half of a record");
    ASSERT_EQ(tick_after(1h), ExitCode::ok);
    EXPECT_TRUE(fs::exists(leftover)) << "nothing happened, so nothing is written";
    vm_->back_up();
    ASSERT_EQ(tick_after(1h), ExitCode::ok);
    EXPECT_FALSE(fs::exists(leftover));
}

TEST_F(GuardTickTest, AClockThatJumpsMakesNoRepairLoop) {
    settle();
    vm_->script_bad = true;
    vm_->back_up();
    ASSERT_EQ(tick_after(1h), ExitCode::ok);
    ASSERT_EQ(vm_->repairs, 1);
    for (int round = 0; round < 20; ++round) {
        vm_->script_bad = true;
        // The clock jumps by two days, to and fro; no time passes.
        vm_->now += round % 2 == 0 ? 48 * 3600 : -48 * 3600;
        ASSERT_EQ(tick(), ExitCode::ok);
        ASSERT_EQ(vm_->repairs, 1) << round;
    }
}

}  // namespace
}  // namespace handler::guard_tick_linux_test
