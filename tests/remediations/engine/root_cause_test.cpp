#include "remediations/engine/root_cause.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>

#include "remediations/engine/engine.hpp"

namespace remediations::root_cause_test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class RootCauses : public testing::Test {
protected:
    Remediation& add(const std::string& id, Layer layer, State state, Weight weight = Weight::cause) {
        auto& remediation = remediations_.emplace_back();
        remediation.id = id;
        remediation.layer = layer;
        Finding finding;
        finding.state = state;
        finding.weight = weight;
        outcomes_.push_back({&remediation, finding, {}});
        return remediation;
    }

    std::string root(std::string_view error_code = "") const {
        const auto cause = root_cause_of(outcomes_, error_code);
        return cause.remediation ? cause.remediation->id : "none";
    }
    std::string reason(std::string_view error_code = "") const { return root_cause_of(outcomes_, error_code).reason; }

    std::deque<Remediation> remediations_;  // outcomes point into it
    std::vector<Outcome> outcomes_;
};

TEST_F(RootCauses, NothingBrokenIsNone) {
    add("a", Layer::guest_agent, State::healthy);
    add("b", Layer::network, State::unknown);
    EXPECT_EQ(root(), "none");
    EXPECT_THAT(reason(), IsEmpty());
}

TEST_F(RootCauses, EarliestLayerIsNamed) {
    add("agent", Layer::guest_agent, State::needs_operator);
    add("network", Layer::network, State::broken);
    EXPECT_EQ(root(), "agent");
    EXPECT_THAT(reason(), HasSubstr("the first in the pipeline (layer guest-agent)"));
}

TEST_F(RootCauses, ErrorCodeDecidesWithinALayerOnly) {
    add("first", Layer::os_snapshot, State::broken);
    add("named", Layer::os_snapshot, State::broken).error_codes = {"Code"};
    add("later", Layer::network, State::broken).error_codes = {"Other"};
    EXPECT_EQ(root("CODE"), "named");
    EXPECT_EQ(root("Other"), "first");
}

TEST_F(RootCauses, ConsequenceIsNoRootEvenInAnEarlierLayer) {
    add("hung", Layer::guest_agent, State::broken);
    add("unreachable", Layer::network, State::broken).consequences = {"hung"};
    add("firewall", Layer::network, State::broken).consequences = {"unreachable"};
    EXPECT_EQ(root(), "firewall");
    EXPECT_THAT(reason(), HasSubstr("follows from it: hung, unreachable"));
    EXPECT_THAT(origins_of(remediations_[0], outcomes_), ElementsAre("firewall"));
    EXPECT_THAT(origins_of(remediations_[2], outcomes_), IsEmpty());
}

TEST_F(RootCauses, HealthyCauseExplainsNothing) {
    add("hung", Layer::guest_agent, State::broken);
    add("firewall", Layer::network, State::healthy).consequences = {"hung"};
    EXPECT_EQ(root(), "hung");
    EXPECT_THAT(origins_of(remediations_[0], outcomes_), IsEmpty());
}

TEST_F(RootCauses, WhatOnlyALogTellsOfIsNamedWhereNothingElseIs) {
    add("noexec", Layer::guest_agent, State::healthy);
    outcomes_.back().finding.history = Evidence{"waagent.log:7", "The noexec flag is set on /var", ""};
    add("old", Layer::guest_agent, State::broken, Weight::risk).error_codes = {"Code"};
    EXPECT_EQ(root(), "noexec");
    EXPECT_EQ(root("Code"), "noexec");
    EXPECT_THAT(reason(), HasSubstr("no longer: start a backup"));
    add("freeze", Layer::os_snapshot, State::broken);
    EXPECT_EQ(root(), "freeze");
}

TEST_F(RootCauses, WhatOnlyALogTellsOfExplainsWhatTheLastRunLeftBehind) {
    add("python", Layer::backup_extension, State::healthy).consequences = {"error"};
    outcomes_.back().finding.history = Evidence{"shell.log:3", "python version unknown", ""};
    add("error", Layer::backup_extension, State::needs_operator);
    EXPECT_EQ(root(), "error");
    outcomes_.back().finding.basis = Basis::last_run;
    EXPECT_EQ(root(), "python");
    EXPECT_THAT(reason(), HasSubstr("It explains error."));
}

TEST_F(RootCauses, SuspicionIsNamedOnlyWhereNothingIsSeenNorTold) {
    add("old", Layer::guest_agent, State::needs_operator);
    outcomes_.back().finding.is_suspicion = true;
    EXPECT_EQ(root(), "old");
    add("told", Layer::os_snapshot, State::healthy);
    outcomes_.back().finding.history = Evidence{"a.log:1", "it failed", ""};
    EXPECT_EQ(root(), "told");
    add("seen", Layer::network, State::broken);
    EXPECT_EQ(root(), "seen");
}

TEST_F(RootCauses, CodeAlonePointsToTheLayerOfMostOfItsCauses) {
    add("full", Layer::guest_agent, State::healthy).error_codes = {"Freeze"};
    add("twice", Layer::os_snapshot, State::unknown).error_codes = {"Freeze"};
    add("busy", Layer::os_snapshot, State::unknown).error_codes = {"Freeze"};
    EXPECT_EQ(root("Freeze"), "none");
    EXPECT_EQ(reason("Freeze"), "Freeze points to layer os-snapshot; there twice, busy could not be looked at.");
    EXPECT_THAT(reason("Unheard"), IsEmpty());
}

TEST_F(RootCauses, RiskIsNoRootBesideACauseNorExplainsOne) {
    add("old", Layer::guest_agent, State::needs_operator, Weight::risk).consequences = {"freeze"};
    add("freeze", Layer::os_snapshot, State::broken);
    EXPECT_EQ(root(), "freeze");
}

TEST_F(RootCauses, RiskAloneIsNoRootUnlessTheErrorCodeNamesIt) {
    add("old", Layer::guest_agent, State::needs_operator, Weight::risk).error_codes = {"Unsupported"};
    EXPECT_EQ(root(), "none");
    EXPECT_THAT(reason(), HasSubstr("old makes it likelier"));
    EXPECT_EQ(root("unsupported"), "old");
}

TEST_F(RootCauses, CircleNamesTheEarliest) {
    add("a", Layer::os_snapshot, State::broken).consequences = {"b"};
    add("b", Layer::network, State::broken).consequences = {"a"};
    EXPECT_EQ(root(), "a");
}

TEST_F(RootCauses, CodeFromTheVaultCountsWhereNothingInsideExplainsIt) {
    add("agent", Layer::guest_agent, State::broken).error_codes = {"Agent"};
    add("lock", Layer::vault, State::needs_operator).error_codes = {"Locked"};
    EXPECT_EQ(root("Locked"), "lock");
    EXPECT_EQ(root("Agent"), "agent");
    add("inside", Layer::network, State::broken).error_codes = {"Locked"};
    EXPECT_EQ(root("Locked"), "agent");
}

}  // namespace
}  // namespace remediations::root_cause_test
