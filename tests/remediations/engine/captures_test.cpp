// Every folder below tests/captures/<platform>/ is a machine and what must be found on it. It holds what is
// different from the machine captures/<platform>/healthy: its files/ lie over that one's, its facts.json
// is a merge patch (RFC 7386) of that one's, and expected.json says:
//   shows           one sentence: why this machine exists
//   base            another machine to start from, or null: the folder is a whole capture
//   removed         paths of the base that are not there
//   unseen          true: most was not captured, and what is unknown is not compared
//   findings        state of each remediation that is neither healthy nor not-applicable, all of them
//   rootCause       id or null
//   errorCode, only, maxDisruption, agentInstaller   options of the run, as in the settings
//   afterFix        states after a run in mode fix (only those named are compared)
//   changes         what that run changed, by remediation
//   filesAfterFix   content of files after that run
//   changesSecurity   ids of the findings whose repair needs consent to change what protects the machine
// Another key is refused: it is misspelt.
// After every fix, undo must bring back the first diagnosis.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "remediations/changes/journal.hpp"
#include "remediations/changes/undo.hpp"
#include "remediations/engine/catalogue.hpp"
#include "remediations/engine/engine.hpp"
#include "remediations/machine/recorded/capture.hpp"
#include "test_data.hpp"
#include "tests/capture_folder.hpp"
#include "tests/temporary_folder.hpp"

namespace remediations::captures_test {
namespace {

namespace json = boost::json;

std::vector<std::filesystem::path> all_captures() {
    return tests::captures_in(TEST_DATA "/captures");
}

std::vector<std::filesystem::path> captures_to_fix() {
    auto captures = all_captures();
    std::erase_if(captures, [](const auto& capture) { return !tests::expected_of(capture).contains("afterFix"); });
    return captures;
}

std::vector<std::filesystem::path> captures_without_a_cause() {
    auto captures = all_captures();
    std::erase_if(captures, [](const auto& capture) {
        const auto expected = tests::expected_of(capture);
        return !expected.at("rootCause").is_null() || expected.contains("only");
    });
    return captures;
}

/// Empty when expected.json is as the head of this file says.
std::string complaint_about(const json::object& expected) {
    static const std::set<std::string_view> known = {
        "shows",    "base", "removed",       "unseen",         "findings", "rootCause",     "errorCode",
        "afterFix", "only", "maxDisruption", "agentInstaller", "changes",  "filesAfterFix", "changesSecurity"};
    for (const auto& [key, value] : expected) {
        if (!known.contains(key)) return "unknown key \"" + std::string(key) + "\"";
    }
    const auto* shows = expected.if_contains("shows");
    if (!shows || !shows->is_string()) return "no \"shows\": one sentence, why this machine exists";
    const std::string_view sentence = shows->get_string();
    if (!sentence.ends_with('.') || sentence.size() < 20) return "\"shows\" is no sentence";
    return {};
}

/// All that logs and facts of recorded machines say, one after another.
std::string text_of_captures() {
    std::string text;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(TEST_DATA "/captures")) {
        if (!entry.is_regular_file()) continue;
        std::ifstream file(entry.path(), std::ios::binary);
        text.append(std::istreambuf_iterator<char>(file), {});
        text += '\0';
    }
    return text;
}

/// The lines that prove a cause by themselves.
std::set<std::string> texts_of_proofs() {
    std::set<std::string> texts;
    for (const auto* remediation : catalogue()) {
        for (const auto& signal : remediation->signals) {
            if (signal.role == Role::proof && signal.is_line()) texts.insert(signal.line.text);
        }
    }
    return texts;
}

std::map<std::string, std::string> states_of(const Report& report) {
    std::map<std::string, std::string> states;
    for (const auto& outcome : report.outcomes) {
        states[outcome.remediation->id] = std::string(to_string(outcome.finding.state));
    }
    return states;
}

std::map<std::string, std::string> remarkable(std::map<std::string, std::string> states, bool without_unknown) {
    std::erase_if(states, [&](const auto& entry) {
        return entry.second == "healthy" || entry.second == "not-applicable" ||
               (without_unknown && entry.second == "unknown");
    });
    return states;
}

TEST(CaptureFolders, SayWhyTheyExistAndNothingThatIsUnknown) {
    for (const auto& capture : all_captures()) EXPECT_EQ(complaint_about(tests::expected_of(capture)), "") << capture;
    EXPECT_THAT(complaint_about({{"shows", "The agent's service is stopped."}, {"finding", json::object()}}),
                testing::HasSubstr("\"finding\""));
    EXPECT_NE(complaint_about({{"findings", json::object()}}), "");
    EXPECT_NE(complaint_about({{"shows", "agent stopped"}}), "");
}

// A line that no recorded machine has is one that nobody has seen the program find. Those of before this rule stand in
// the list, which may only become shorter.
TEST(CaptureFolders, HaveEachLineThatProvesACause) {
    const auto text = text_of_captures();
    std::set<std::string> unseen;
    for (const auto& line : texts_of_proofs()) {
        const auto as_json = json::serialize(json::string(line));
        if (text.find(line) == std::string::npos &&
            text.find(std::string_view(as_json).substr(1, as_json.size() - 2)) == std::string::npos) {
            unseen.insert(line);
        }
    }
    if (const char* file = std::getenv("LINES_WITHOUT_A_MACHINE")) {
        std::ofstream list(file);
        for (const auto& line : unseen) list << line << '\n';
    }
    std::ifstream list(TEST_DATA "/remediations/engine/lines_without_a_machine.txt");
    std::set<std::string> listed;
    for (std::string line; std::getline(list, line);) listed.insert(line);
    EXPECT_EQ(unseen, listed) << "give a new line its capture; take from the list what has one";
}

class Captures : public testing::TestWithParam<std::filesystem::path> {
protected:
    machine::Machine load() const {
        const tests::CaptureFolder whole(GetParam());
        auto loaded = machine::recorded::load(whole.path());
        if (!loaded) throw std::runtime_error(loaded.error().message);
        return std::move(*loaded);
    }

    Report run(RunMode mode, machine::Machine& machine) const {
        RunOptions options;
        options.mode = mode;
        options.allow_security_changes = true;
        options.repair_risks = true;
        if (const auto* code = expected_.if_contains("errorCode")) options.error_code = code->as_string();
        if (const auto* only = expected_.if_contains("only")) {
            options.only = json::value_to<std::vector<std::string>>(*only);
        }
        if (const auto* file = expected_.if_contains("agentInstaller")) options.agent_installer = file->as_string();
        if (const auto* most = expected_.if_contains("maxDisruption")) {
            options.max_disruption = parse_disruption(most->as_string().c_str());
        }
        auto report = remediations::run(options, machine, state_.path());
        if (!report) throw std::runtime_error(report.error().message);
        return std::move(*report);
    }

    json::object expected_ = tests::expected_of(GetParam());
    tests::TemporaryFolder state_;
};

class BrokenCaptures : public Captures {};

/// Descriptions of what the report says cannot be undone.
std::set<std::string> lasting_changes(const Report& report) {
    std::set<std::string> lasting;
    for (const auto& outcome : report.outcomes) {
        for (const auto& change : outcome.changes) {
            if (change.undo == PlannedStep::Undo::cannot) lasting.insert(change.description);
        }
    }
    return lasting;
}

TEST_P(Captures, FindsWhatIsExpected) {
    auto machine = load();
    const auto report = run(RunMode::diagnose, machine);
    EXPECT_EQ(remarkable(states_of(report), expected_.contains("unseen")),
              (json::value_to<std::map<std::string, std::string>>(expected_.at("findings"))));
    const auto& root_cause = expected_.at("rootCause");
    EXPECT_EQ(report.root_cause ? report.root_cause->id : "none",
              root_cause.is_null() ? "none" : std::string(root_cause.as_string()));
    for (const auto& outcome : report.outcomes) {
        const auto state = outcome.finding.state;
        const bool needs_action = state != State::healthy && state != State::not_applicable;
        EXPECT_FALSE(outcome.finding.summary.empty()) << outcome.remediation->id;
        EXPECT_EQ(!outcome.finding.action.empty(), needs_action) << outcome.remediation->id;
        EXPECT_TRUE(!needs_action || !outcome.finding.evidence.empty()) << outcome.remediation->id;
    }
    if (const auto* guarded = expected_.if_contains("changesSecurity")) {
        std::vector<std::string> found;
        for (const auto& outcome : report.outcomes) {
            if (outcome.finding.changes_security) found.push_back(outcome.remediation->id);
        }
        EXPECT_EQ(found, json::value_to<std::vector<std::string>>(*guarded));
    }
}

/// A step that loosens what somebody may have tightened on purpose, by its slot's own words.
bool is_change_of_security(const PlannedStep& step) {
    const auto has = [&](const char* text) { return step.description.find(text) != std::string::npos; };
    const bool is_of_azure = has("WindowsAzureGuestAgent") || has("RdAgent") || has("IaasVmProvider") ||
                             has("waagent") || has("walinuxagent") || has("Azure Site Recovery VSS Provider");
    return has("firewall") || has("SCHANNEL") || has("SchUseStrongCrypto") || has("-ExclusionPath") ||
           (has("set start type of ") && has(" from disabled to ") && !is_of_azure);
}

/// Healthy, unusual or at risk: no backup of theirs fails.
class CapturesWithoutACause : public Captures {};

TEST_P(CapturesWithoutACause, AreLeftAsTheyAreAtTheHighestLevel) {
    auto machine = load();
    RunOptions options;
    options.mode = RunMode::fix;
    options.max_disruption = Disruption::workload;
    options.allow_security_changes = true;
    const auto report = remediations::run(options, machine, state_.path());
    ASSERT_TRUE(report) << report.error().message;
    for (const auto& outcome : report->outcomes) {
        EXPECT_THAT(descriptions_of(outcome.changes), testing::IsEmpty()) << outcome.remediation->id;
    }
    EXPECT_THAT(Journal::runs(state_.path()), testing::IsEmpty());
}

TEST_P(BrokenCaptures, ChangeWhatProtectsTheMachineOnlyWhereThatIsAllowed) {
    auto machine = load();
    for (const auto& outcome : run(RunMode::dry_run, machine).outcomes) {
        for (const auto& step : outcome.changes) {
            EXPECT_TRUE(outcome.finding.changes_security || !is_change_of_security(step))
                << outcome.remediation->id << ": " << step.description;
        }
    }
}

TEST_P(BrokenCaptures, FixesWhatIsExpectedAndUndoBringsItBack) {
    auto machine = load();
    const auto before = run(RunMode::diagnose, machine);
    const auto planned = run(RunMode::dry_run, machine);
    EXPECT_THAT(Journal::runs(state_.path()), testing::IsEmpty()) << "a dry run must leave no journal";
    const auto fixed = run(RunMode::fix, machine);
    auto states = states_of(fixed);
    for (const auto& [id, state] : expected_.at("afterFix").as_object()) EXPECT_EQ(states[id], state.as_string()) << id;
    for (std::size_t index = 0; index < fixed.outcomes.size(); ++index) {
        const auto& outcome = fixed.outcomes[index];
        EXPECT_EQ(outcome.changes, planned.outcomes[index].changes) << outcome.remediation->id;
        if (!expected_.contains("changes")) continue;
        const auto& changes = expected_.at("changes").as_object();
        if (!changes.contains(outcome.remediation->id)) continue;
        EXPECT_EQ(descriptions_of(outcome.changes),
                  json::value_to<std::vector<std::string>>(changes.at(outcome.remediation->id)));
    }
    if (expected_.contains("filesAfterFix")) {
        for (const auto& [path, content] : expected_.at("filesAfterFix").as_object()) {
            EXPECT_EQ(machine.files().read(std::string(path)).value(), content.as_string());
        }
    }
    if (fixed.run_id.empty()) return;
    auto journal = Journal::open(state_.path(), fixed.run_id);
    ASSERT_TRUE(journal) << journal.error().message;
    const auto cannot_be_undone = lasting_changes(fixed);
    for (const auto& step : undo(*journal, machine)) {
        EXPECT_NE(step.result, UndoneStep::Result::failed) << step.description << ": " << step.detail;
        EXPECT_TRUE(step.result != UndoneStep::Result::left_alone || cannot_be_undone.contains(step.description))
            << step.description << ": the report did not say that it cannot be undone";
    }
    const auto after = run(RunMode::diagnose, machine);
    for (std::size_t index = 0; index < before.outcomes.size(); ++index) {
        const auto& outcome = before.outcomes[index];
        // What a service's last run ended with is history that no undo can bring back, nothing is frozen again, a VSS
        // writer does not fail again because its service is restarted, and a process that was ended is another one.
        const std::set<std::string> quote_the_last_run = {"com-plus-service",
                                                          "msdtc-account",
                                                          "msdtc-not-running",
                                                          "msdtc-damaged",
                                                          "agent-not-running",
                                                          "agent-restart-policy",
                                                          "agent-unit-changed",
                                                          "file-system-frozen",
                                                          "vss-writer-failed",
                                                          "vss-writer-of-service-failed",
                                                          "vss-writer-of-application-failed",
                                                          "os-snapshot-failure",
                                                          "vss-writer-missing",
                                                          "snapshot-without-threads",
                                                          "snapshot-set-open",
                                                          "vss-service",
                                                          "system-event-notification",
                                                          "shadow-copy-provider-service",
                                                          "agent-service-hangs",
                                                          "agent-hung",
                                                          "agent-service-crashes",
                                                          "dhcp-client-stopped",
                                                          "key-isolation-unavailable"};
        if (quote_the_last_run.contains(outcome.remediation->id)) continue;
        EXPECT_EQ(after.outcomes[index].finding.evidence, outcome.finding.evidence) << outcome.remediation->id;
    }
}

std::string name_of(const testing::TestParamInfo<std::filesystem::path>& test) {
    return tests::test_name_of(test.param, TEST_DATA "/captures");
}

INSTANTIATE_TEST_SUITE_P(All, Captures, testing::ValuesIn(all_captures()), name_of);
INSTANTIATE_TEST_SUITE_P(All, CapturesWithoutACause, testing::ValuesIn(captures_without_a_cause()), name_of);
INSTANTIATE_TEST_SUITE_P(All, BrokenCaptures, testing::ValuesIn(captures_to_fix()), name_of);

}  // namespace
}  // namespace remediations::captures_test
