#include "remediations/engine/engine.hpp"
#include "remediations/engine/failures.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <string_view>

#include "remediations/changes/journal.hpp"
#include "remediations/changes/recovery.hpp"
#include "remediations/changes/undo.hpp"
#include "remediations/engine/catalogue.hpp"
#include "remediations/machine/recorded/capture.hpp"
#include "remediations/model/error_codes.hpp"
#include "test_data.hpp"
#include "tests/capture_folder.hpp"
#include "tests/temporary_folder.hpp"

namespace remediations::engine_test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

machine::Machine capture(const std::string& name) {
    return machine::recorded::load(tests::CaptureFolder(TEST_DATA "/captures/" + name).path()).value();
}

/// A machine whose services answer as told; all else is the capture's.
class StubbornServices final : public machine::Services {
public:
    /// `can_disable`: whether a start type can be put back; it may change.
    StubbornServices(std::vector<machine::Service> services, bool throws, std::shared_ptr<bool> can_disable)
        : services_(std::move(services)), throws_(throws), can_disable_(std::move(can_disable)) {}

    machine::Result<machine::Service> find(const std::string& name) const override {
        for (const auto& service : services_) {
            if (service.name == name) return service;
        }
        return machine::Error::not_found(name);
    }
    machine::Result<std::vector<std::string>> running_dependents(const std::string&) const override {
        return std::vector<std::string>{};
    }
    machine::Result<void> start(const std::string& name, std::chrono::milliseconds) override {
        if (throws_) throw std::runtime_error("no memory");
        return machine::Error::refused("service " + name + " stopped with error 1053", 1053);
    }
    machine::Result<void> stop(const std::string&, std::chrono::milliseconds) override { return {}; }
    machine::Result<void> restart(const std::string& name, std::chrono::milliseconds timeout) override {
        return start(name, timeout);
    }
    machine::Result<void> set_start(const std::string& name, machine::StartType start) override {
        if (start == machine::StartType::disabled && !*can_disable_) {
            return machine::Error::refused("it is marked for deletion", 1072);
        }
        for (auto& service : services_) {
            if (service.name == name) service.start = start;
        }
        return {};
    }
    machine::Result<void> set_restarts(const std::string&, bool) override { return {}; }
    machine::Result<void> set_account(const std::string&, const std::string&) override { return {}; }

private:
    std::vector<machine::Service> services_;
    bool throws_;
    std::shared_ptr<bool> can_disable_;
};

class NoFiles final : public machine::Files {
public:
    static machine::Error absent() { return machine::Error::not_found("absent"); }
    machine::Result<machine::FileStatus> status(const machine::Path&) const override { return absent(); }
    machine::Result<std::string> read(const machine::Path&, std::size_t) const override { return absent(); }
    machine::Result<std::string> read_range(const machine::Path&, std::uint64_t, std::size_t) const override {
        return absent();
    }
    machine::Result<machine::Space> space(const machine::Path&) const override { return absent(); }
    machine::Result<std::vector<std::string>> list(const machine::Path&) const override { return absent(); }
    machine::Result<void> write(const machine::Path&, const std::string&, std::uint32_t) override { return absent(); }
    machine::Result<void> set_permissions(const machine::Path&, const machine::FilePermissions&) override {
        return absent();
    }
    machine::Result<void> move(const machine::Path&, const machine::Path&) override { return absent(); }
    machine::Result<void> remove(const machine::Path&) override { return absent(); }
    machine::Result<void> create_folder(const machine::Path&, std::uint32_t) override { return absent(); }
};

class NoRegistry final : public machine::Registry {
public:
    static machine::Error absent() { return machine::Error::not_found("absent"); }
    machine::Result<machine::RegistryValue> value(const std::string&, const std::string&) const override {
        return absent();
    }
    machine::Result<std::vector<std::string>> subkeys(const std::string&) const override { return absent(); }
    machine::Result<std::vector<std::string>> value_names(const std::string&) const override { return absent(); }
    machine::Result<void> set_value(const std::string&, const std::string&, const machine::RegistryValue&) override {
        return absent();
    }
    machine::Result<void> remove_value(const std::string&, const std::string&) override { return absent(); }
    machine::Result<void> remove_key(const std::string&) override { return absent(); }
};

class NoProcesses final : public machine::Processes {
public:
    machine::Result<std::vector<machine::Process>> list() const override { return std::vector<machine::Process>{}; }
    machine::Result<machine::CommandOutput> query(const machine::Command&) const override {
        return machine::CommandOutput{};
    }
    machine::Result<machine::CommandOutput> run(const machine::Command&) override { return machine::CommandOutput{}; }
};

class NoMounts final : public machine::Mounts {
public:
    machine::Result<std::vector<machine::Mount>> list() const override { return std::vector<machine::Mount>{}; }
    machine::Result<void> remount(const machine::Path&, const std::string&) override { return {}; }
    machine::Result<void> thaw(const machine::Path&) override { return {}; }
};

class GoodNetwork final : public machine::Network {
public:
    machine::Result<machine::HttpResponse> get(const machine::HttpRequest&) const override {
        return machine::HttpResponse{.status = 200, .body = {}};
    }
    machine::Result<std::string> source_address(const std::string&) const override { return std::string("10.0.0.4"); }
    machine::Result<std::vector<machine::NetworkInterface>> interfaces() const override {
        return std::vector<machine::NetworkInterface>{};
    }
    machine::Result<std::vector<std::string>> resolve(const std::string&, std::chrono::milliseconds) const override {
        return std::vector<std::string>{};
    }
};

/// Windows on which COMSysApp is disabled and refuses to start once it is enabled.
machine::Machine stubborn_windows(bool throws = false,
                                  const std::shared_ptr<bool>& can_disable = std::make_shared<bool>(true)) {
    machine::Service com;
    com.name = "COMSysApp";
    com.start = machine::StartType::disabled;
    machine::Service msdtc;
    msdtc.name = "MSDTC";
    msdtc.state = machine::ServiceState::running;
    msdtc.account = "S-1-5-20";
    machine::SystemFacts facts;
    facts.platform = machine::Platform::windows;
    facts.system_drive = "C:";
    return machine::Machine({facts, std::make_unique<NoFiles>(),
                             std::make_unique<StubbornServices>(std::vector{com, msdtc}, throws, can_disable),
                             std::make_unique<NoRegistry>(), std::make_unique<NoProcesses>(),
                             std::make_unique<NoMounts>(), std::make_unique<GoodNetwork>()});
}

const Outcome& outcome_of(const Report& report, const std::string& id) {
    for (const auto& outcome : report.outcomes) {
        if (outcome.remediation->id == id) return outcome;
    }
    throw std::out_of_range(id);
}

class Engine : public testing::Test {
protected:
    Report run(machine::Machine& machine, RunOptions options) const {
        return remediations::run(options, machine, state_.path()).value();
    }
    static RunOptions fixing() {
        RunOptions options;
        options.mode = RunMode::fix;
        options.allow_security_changes = true;
        return options;
    }

    tests::TemporaryFolder state_;
};

TEST_F(Engine, FixThatFailsIsTakenBackAndLeavesNoTrace) {
    auto machine = stubborn_windows();
    const auto report = run(machine, fixing());
    const auto& outcome = outcome_of(report, "com-plus-service");
    EXPECT_EQ(outcome.finding.state, State::broken);
    EXPECT_THAT(outcome.finding.action, HasSubstr("taken back"));
    EXPECT_THAT(outcome.finding.action, HasSubstr("stopped with error 1053"));
    EXPECT_THAT(outcome.changes, IsEmpty());
    EXPECT_EQ(machine.services().find("COMSysApp")->start, machine::StartType::disabled);
    EXPECT_TRUE(report.anything_left());
    EXPECT_EQ(report.layer_state(Layer::os_snapshot), State::broken);
}

TEST_F(Engine, FixThatThrowsIsTakenBackToo) {
    auto machine = stubborn_windows(true);
    const auto report = run(machine, fixing());
    EXPECT_THAT(outcome_of(report, "com-plus-service").finding.action, HasSubstr("no memory"));
    EXPECT_EQ(machine.services().find("COMSysApp")->start, machine::StartType::disabled);
    EXPECT_FALSE(any_run_was_interrupted(state_.path()));
}

TEST_F(Engine, WhatCouldNotBeTakenBackIsWhatTheNextRunBeginsWith) {
    const auto can_disable = std::make_shared<bool>(false);
    auto machine = stubborn_windows(false, can_disable);
    const auto first = run(machine, fixing());
    EXPECT_THAT(descriptions_of(outcome_of(first, "com-plus-service").changes),
                ElementsAre(HasSubstr("marked for deletion")));
    EXPECT_EQ(machine.services().find("COMSysApp")->start, machine::StartType::manual);
    EXPECT_TRUE(any_run_was_interrupted(state_.path()));
    *can_disable = true;
    auto options = fixing();
    options.exclude = {"com-plus-service"};
    run(machine, options);
    EXPECT_EQ(machine.services().find("COMSysApp")->start, machine::StartType::disabled);
    EXPECT_FALSE(any_run_was_interrupted(state_.path()));
}

TEST_F(Engine, WhatAFindingQuotesHasNoSecrets) {
    auto machine = capture("linux/extension-not-ready");
    const auto status =
        "/var/lib/waagent/Microsoft.Azure.RecoveryServices.VMSnapshotLinux-1.0.9220.0/config/HandlerStatus";
    ASSERT_TRUE(machine.files().write(
        status, R"({"status":"NotReady","code":1009,"message":"https://a.blob.example/c?sig=hunter2&x=1"})"));
    const auto report = run(machine, {});
    std::string quoted;
    for (const auto& evidence : outcome_of(report, "backup-extension-state").finding.evidence) quoted += evidence.seen;
    EXPECT_THAT(quoted, HasSubstr("sig=REDACTED&x=1"));
}

TEST_F(Engine, WhatTheLastRunToldOfAFixedCauseIsLeftToTheNextBackup) {
    auto machine = capture("linux/agent-library-noexec");
    const auto status =
        "/var/lib/waagent/Microsoft.Azure.RecoveryServices.VMSnapshotLinux-1.0.9220.0/config/HandlerStatus";
    ASSERT_TRUE(
        machine.files().write(status, R"({"status":"NotReady","code":1009,"message":"Non-zero exit code: 126"})"));
    auto options = fixing();
    options.max_disruption = Disruption::workload;
    const auto report = run(machine, options);
    EXPECT_EQ(outcome_of(report, "agent-library-noexec").finding.state, State::fixed);
    const auto& consequence = outcome_of(report, "backup-extension-state");
    EXPECT_EQ(consequence.finding.state, State::unproven);
    EXPECT_THAT(consequence.finding.action, HasSubstr("agent-library-noexec, which was repaired just now"));
    EXPECT_THAT(consequence.changes, IsEmpty());
    EXPECT_TRUE(report.anything_left()) << "only the next backup proves it";

    // No cause of it is left to be fixed: now it is one itself.
    EXPECT_EQ(outcome_of(run(machine, options), "backup-extension-state").finding.state, State::unproven);
}

TEST_F(Engine, FixAboveTheAllowedDisruptionNeedsApproval) {
    auto machine = capture("windows/com-plus-disabled");
    auto options = fixing();
    options.max_disruption = Disruption::agent_restart;
    const auto report = run(machine, options);
    const auto& outcome = outcome_of(report, "com-plus-service");
    EXPECT_EQ(outcome.finding.state, State::needs_approval);
    EXPECT_THAT(outcome.finding.action, HasSubstr("maxDisruption to \"service-restart\""));
    EXPECT_THAT(Journal::runs(state_.path()), IsEmpty());
    EXPECT_TRUE(report.run_id.empty());
}

TEST_F(Engine, FixOfWhatProtectsTheMachineNeedsApproval) {
    auto machine = capture("windows/com-plus-disabled");
    auto options = fixing();
    options.allow_security_changes = false;
    options.only = {"com-plus-service"};
    const auto report = run(machine, options);
    const auto& refused = outcome_of(report, "com-plus-service").finding;
    EXPECT_EQ(refused.state, State::needs_approval);
    EXPECT_THAT(refused.action, HasSubstr("Set allowSecurityChanges to true and run again"));
    EXPECT_THAT(refused.action, HasSubstr("sc.exe config COMSysApp start= demand, then sc.exe start COMSysApp"));
    EXPECT_EQ(machine.services().find("COMSysApp")->start, machine::StartType::disabled);
    EXPECT_THAT(Journal::runs(state_.path()), IsEmpty());

    options.allow_security_changes = true;
    EXPECT_EQ(outcome_of(run(machine, options), "com-plus-service").finding.state, State::fixed);
}

TEST_F(Engine, RiskIsRepairedOnlyWhereAskedFor) {
    constexpr auto risk = "strong-crypto-off";
    const auto machine_at_risk = [] {
        auto machine = capture("windows/healthy");
        machine::RegistryValue off{machine::RegistryType::dword, std::uint64_t{0}};
        EXPECT_TRUE(machine.registry().set_value(R"(HKLM\SOFTWARE\Microsoft\.NETFramework\v4.0.30319)",
                                                 "SchUseStrongCrypto", std::move(off)));
        return machine;
    };
    auto machine = machine_at_risk();
    const auto told = run(machine, fixing());
    EXPECT_EQ(outcome_of(told, risk).finding.weight, Weight::risk);
    EXPECT_EQ(outcome_of(told, risk).finding.state, State::needs_approval);
    EXPECT_THAT(outcome_of(told, risk).finding.action, HasSubstr("Set repairRisks to true and run again"));
    EXPECT_THAT(Journal::runs(state_.path()), IsEmpty());

    auto named = fixing();
    named.only = {risk};
    EXPECT_EQ(outcome_of(run(machine, named), risk).finding.state, State::fixed);

    auto asked_for = fixing();
    asked_for.repair_risks = true;
    auto another = machine_at_risk();
    EXPECT_EQ(outcome_of(run(another, asked_for), risk).finding.state, State::fixed);
}

TEST_F(Engine, OnlyAndExcludeChoose) {
    auto machine = capture("windows/healthy");
    RunOptions options;
    options.only = {"msdtc-account", "provider-flags"};
    options.exclude = {"provider-flags"};
    const auto report = run(machine, options);
    ASSERT_THAT(report.outcomes, SizeIs(1));
    EXPECT_EQ(report.outcomes.front().remediation->id, "msdtc-account");
}

TEST_F(Engine, ErrorCodeDecidesWithinALayer) {
    auto machine = capture("windows/msdtc-disabled");
    ASSERT_TRUE(machine.services().set_start("CryptSvc", machine::StartType::disabled));
    RunOptions options;
    EXPECT_EQ(run(machine, options).root_cause->id, "cryptographic-services");
    options.error_code = "extensioninstallationfailedmdtc";
    const auto report = run(machine, options);
    EXPECT_EQ(report.root_cause->id, "msdtc-not-running");
    EXPECT_THAT(report.root_cause_reason, HasSubstr("extensioninstallationfailedmdtc"));
}

TEST_F(Engine, StopsBeforeTheNextFixWhenAskedOrOutOfTime) {
    auto machine = capture("linux/extensions-disabled");
    auto options = fixing();
    options.stop_requested = [] { return true; };
    EXPECT_THAT(outcome_of(run(machine, options), "extensions-disabled").finding.action, HasSubstr("asked to stop"));
    options = fixing();
    options.deadline = std::chrono::steady_clock::now() - std::chrono::seconds(1);
    EXPECT_THAT(outcome_of(run(machine, options), "extensions-disabled").finding.action, HasSubstr("time was used up"));
}

TEST_F(Engine, JournalThatCannotBeWrittenMeansNothingIsChanged) {
    auto machine = capture("linux/extensions-disabled");
    const auto report = remediations::run(fixing(), machine, "/proc/no-such-place");
    ASSERT_FALSE(report);
    EXPECT_EQ(machine.services().find("walinuxagent")->pid, 620U);
    EXPECT_THAT(machine.files().read("/etc/waagent.conf").value(), HasSubstr("Extensions.Enabled = n"));
}

/// Keeps the first lines of the newest journal, as if the machine had died then.
std::string cut_journal(const std::filesystem::path& state, std::size_t lines_to_keep) {
    const auto file = state / "runs" / Journal::runs(state).back() / "journal.jsonl";
    std::ifstream in(file, std::ios::binary);
    std::string kept;
    std::string line;
    for (std::size_t count = 0; count < lines_to_keep && std::getline(in, line); ++count) kept += line + "\n";
    std::ofstream(file, std::ios::binary) << kept;
    return line;
}

TEST_F(Engine, HalfAFixIsTakenBackAndDoneAgainAfterACrash) {
    auto machine = capture("linux/extensions-disabled");
    const auto first = run(machine, fixing());
    cut_journal(state_.path(), 3);  // the file was written, the agent not yet restarted
    const auto again = run(machine, fixing());
    EXPECT_EQ(again.run_id, first.run_id);
    const auto& outcome = outcome_of(again, "extensions-disabled");
    EXPECT_EQ(outcome.finding.state, State::fixed);
    EXPECT_THAT(descriptions_of(outcome.changes),
                ElementsAre("edit /etc/waagent.conf", "restart service walinuxagent"));
    EXPECT_EQ(again.root_cause->id, "extensions-disabled") << "half a fix must not look healthy";
}

TEST_F(Engine, WhatWasFixedBeforeACrashIsStillReportedAfterIt) {
    auto machine = capture("linux/two-causes-earliest-layer-is-root");
    const auto first = run(machine, fixing());
    // format, begin and end of two steps, commit: the first cause is fixed, the second not begun
    EXPECT_THAT(cut_journal(state_.path(), 6), HasSubstr("commit"));
    const auto again = run(machine, fixing());
    EXPECT_EQ(again.run_id, first.run_id);
    EXPECT_EQ(outcome_of(again, "extensions-disabled").finding.state, State::fixed);
    EXPECT_THAT(descriptions_of(outcome_of(again, "extensions-disabled").changes),
                ElementsAre("edit /etc/waagent.conf", "restart service walinuxagent"));
    EXPECT_FALSE(again.anything_left());
    const auto later = run(machine, fixing());
    EXPECT_TRUE(later.run_id.empty()) << "a run that came to its end is not gone on with";
    EXPECT_EQ(outcome_of(later, "extensions-disabled").finding.state, State::healthy);
}

/// What a run repaired, and what later runs say of it.
class FollowUp : public Engine {
protected:
    static constexpr auto id = "backup-extension-state";
    static constexpr auto log = "/var/log/azure/Microsoft.Azure.RecoveryServices.VMSnapshotLinux/extension.log";

    Outcome treat(machine::Machine& machine) const { return outcome_of(run(machine, fixing()), id); }
    Outcome look_later(machine::Machine& machine) const {
        RunOptions options;
        options.follow_up = true;
        return outcome_of(run(machine, options), id);
    }
};

TEST_F(FollowUp, WhatWasTreatedStaysUnprovenUntilABackupSucceeds) {
    auto machine = capture("linux/extension-not-ready");
    EXPECT_EQ(treat(machine).finding.state, State::unproven);
    const auto later = look_later(machine).finding;
    EXPECT_EQ(later.state, State::unproven);
    EXPECT_THAT(later.summary, HasSubstr("no backup has succeeded since"));
    EXPECT_FALSE(later.action.empty());
}

TEST_F(FollowUp, ALaterGoodBackupProvesIt) {
    auto machine = capture("linux/extension-not-ready");
    ASSERT_EQ(treat(machine).finding.state, State::unproven);
    auto text = machine.files().read(log).value();
    // The run began by this computer's clock, which is later than the recorded machine's.
    for (std::size_t at = 0; (at = text.find("2026-11-20", at)) != std::string::npos;) text.replace(at, 4, "2099");
    ASSERT_TRUE(machine.files().write(log, text));
    machine.forget_derived();
    const auto later = look_later(machine).finding;
    EXPECT_EQ(later.state, State::healthy);
    EXPECT_THAT(later.summary, HasSubstr("a backup since then proves it"));
}

TEST_F(FollowUp, WhatCameBackIsBrokenAndSaysSo) {
    auto machine = capture("linux/extension-not-ready");
    ASSERT_EQ(treat(machine).finding.state, State::unproven);
    auto again = capture("linux/extension-not-ready");
    const auto later = look_later(again).finding;
    EXPECT_EQ(later.state, State::broken);
    EXPECT_THAT(later.summary, HasSubstr("it came back"));
}

TEST_F(FollowUp, ABackupThatWasWaitedForDecides) {
    auto machine = capture("linux/extension-not-ready");
    ASSERT_EQ(treat(machine).finding.state, State::unproven);
    const auto now = std::chrono::system_clock::now();
    const auto after = [&](std::chrono::system_clock::time_point started, bool is_good) {
        RunOptions options;
        options.follow_up = true;
        options.backup = WatchedBackup{started, is_good, "the backup of today"};
        return outcome_of(run(machine, options), id).finding;
    };
    const auto proven = after(now + std::chrono::minutes(1), true);
    EXPECT_EQ(proven.state, State::fixed);
    EXPECT_THAT(proven.summary, HasSubstr("a backup since then proves it"));
    const auto failed = after(now + std::chrono::minutes(1), false);
    EXPECT_EQ(failed.state, State::needs_operator);
    EXPECT_THAT(failed.summary, HasSubstr("and yet the backup of today failed"));
    EXPECT_EQ(after(now - std::chrono::hours(1), true).state, State::unproven) << "it began before the repair";
    EXPECT_EQ(after(now - std::chrono::hours(1), false).state, State::unproven);
}

TEST_F(FollowUp, ARunThatChangedAzureAloneHidesNoneInside) {
    auto machine = capture("linux/extension-not-ready");
    ASSERT_EQ(treat(machine).finding.state, State::unproven);
    auto journal = Journal::create(state_.path(), std::chrono::system_clock::now()).value();
    JournalStep step{.remediation = "provisioning-state-failed", .description = "reapply", .action = "azure-reapply"};
    step.subject = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/vm";
    ASSERT_TRUE(journal.begin(step));
    ASSERT_TRUE(journal.end(step.number, StepOutcome::done));
    ASSERT_TRUE(journal.commit());
    ASSERT_TRUE(journal.note({{"mode", "fix"}, {"rootCause", ""}, {"unproven", boost::json::array()}}));
    EXPECT_EQ(look_later(machine).finding.state, State::unproven);
}

TEST_F(FollowUp, WhatWasUndoneWasNotTreated) {
    auto machine = capture("linux/extension-not-ready");
    ASSERT_EQ(treat(machine).finding.state, State::unproven);
    auto journal = Journal::open(state_.path(), Journal::runs(state_.path()).back()).value();
    undo(journal, machine);
    machine.forget_derived();
    EXPECT_THAT(look_later(machine).finding.summary, testing::Not(HasSubstr("treated it")));
}

TEST(States, KeepTheNumbersThatAzureKeepsInStatuses) {
    EXPECT_EQ(static_cast<int>(State::healthy), 0);
    EXPECT_EQ(static_cast<int>(State::broken), 1);
    EXPECT_EQ(static_cast<int>(State::fixed), 2);
    EXPECT_EQ(static_cast<int>(State::needs_approval), 3);
    EXPECT_EQ(static_cast<int>(State::needs_operator), 4);
    EXPECT_EQ(static_cast<int>(State::not_applicable), 5);
    EXPECT_EQ(static_cast<int>(State::unknown), 6);
    EXPECT_EQ(static_cast<int>(State::unproven), 7);
}

TEST_F(Engine, QuestionNobodyRecordedIsUnknownNotHealthy) {
    tests::TemporaryFolder folder;
    auto healthy = capture("linux/healthy");
    RunOptions options;
    options.only = {"extensions-disabled"};
    auto recording = machine::recorded::record(healthy);
    ASSERT_TRUE(remediations::run(options, recording.machine, state_.path()));
    ASSERT_TRUE(machine::recorded::save(*recording.capture, folder.path() / "capture"));
    auto partial = machine::recorded::load(folder.path() / "capture").value();
    const auto report = run(partial, {});
    EXPECT_EQ(outcome_of(report, "extensions-disabled").finding.state, State::healthy);
    EXPECT_EQ(outcome_of(report, "wire-server-unreachable").finding.state, State::unknown);
}

TEST_F(Engine, CaptureOfAMachineGivesTheSameFindings) {
    tests::TemporaryFolder folder;
    for (const auto* name : {"linux/two-causes-earliest-layer-is-root", "windows/provider-flag-true-service-missing",
                             "windows/extension-status-error", "linux/wire-server-timed-out"}) {
        auto original = capture(name);
        auto recording = machine::recorded::record(original);
        const auto seen = run(recording.machine, {});
        const auto place = folder.path() / std::filesystem::path(name).filename();
        ASSERT_TRUE(machine::recorded::save(*recording.capture, place));
        auto loaded = machine::recorded::load(place);
        ASSERT_TRUE(loaded) << loaded.error().message;
        const auto again = run(*loaded, {});
        ASSERT_EQ(again.outcomes.size(), seen.outcomes.size());
        for (std::size_t index = 0; index < seen.outcomes.size(); ++index) {
            EXPECT_EQ(again.outcomes[index].finding.state, seen.outcomes[index].finding.state) << name;
            EXPECT_EQ(again.outcomes[index].finding.summary, seen.outcomes[index].finding.summary) << name;
            EXPECT_EQ(again.outcomes[index].finding.evidence, seen.outcomes[index].finding.evidence) << name;
        }
    }
}

TEST(Catalogue, IsOrderedByLayerWithUniqueCompleteEntries) {
    std::set<std::string> ids;
    auto layer = Layer::guest_agent;
    for (const auto* entry : catalogue()) {
        EXPECT_GE(entry->layer, layer) << entry->id;
        layer = entry->layer;
        EXPECT_TRUE(ids.insert(entry->id).second) << entry->id;
        EXPECT_FALSE(entry->title.empty() || entry->explanation.empty()) << entry->id;
        // Without a diagnosis, only the code shows it.
        EXPECT_FALSE(entry->error_codes.empty() && !entry->diagnose && !entry->diagnose_for &&
                     !entry->diagnose_in_azure)
            << entry->id;
        EXPECT_TRUE(is_unexplained(*entry) || entry->source.starts_with("https://")) << entry->id;
        EXPECT_TRUE(entry->diagnose || entry->diagnose_for || !entry->instructions.empty()) << entry->id;
        for (const auto& consequence : entry->consequences) {
            EXPECT_TRUE(find_remediation(consequence)) << entry->id << " explains " << consequence;
        }
        EXPECT_EQ(find_remediation(entry->id), entry);
    }
    EXPECT_EQ(find_remediation("no-such-cause"), nullptr);
    EXPECT_THAT(remediations_for("EXTENSIONSNAPSHOTFAILEDCOM"), testing::Not(IsEmpty()));
}

TEST(Catalogue, EveryFailingCodeOfTheLinuxExtensionLeadsToARemediation) {
    // Success, done before, still at work; no scripts are configured.
    const std::set<std::string_view> no_failure{"0", "1", "3", "4", "316"};
    for (const auto& code : error_codes()) {
        if (code.origin != CodeOrigin::linux_extension || no_failure.contains(code.names.front())) continue;
        EXPECT_THAT(remediations_for(code.names.front()), testing::Not(IsEmpty())) << code.names.front();
    }
}

}  // namespace
}  // namespace remediations::engine_test
