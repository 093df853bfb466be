#include "remediations/changes/firewall_rule.hpp"

#include <gmock/gmock.h>

#include <boost/json.hpp>
#include <fstream>

#include "remediations/changes/changes.hpp"
#include "remediations/changes/undo.hpp"
#include "remediations/machine/recorded/capture.hpp"
#include "tests/temporary_folder.hpp"

namespace remediations::firewall_rule_test {
namespace {

using Outcome = UndoneStep::Result;
using testing::ElementsAre;
using testing::HasSubstr;
namespace json = boost::json;

FirewallRule iptables_rule() {
    return {FirewallRule::Tool::iptables, "/usr/sbin/iptables", "", "filter", "OUTPUT", "168.63.129.16", 80};
}

FirewallRule nft_rule() {
    return {FirewallRule::Tool::nft, "/usr/sbin/nft", "inet", "filter", "output", "168.63.129.16", 32526};
}

json::array words(std::string_view program, std::string_view arguments) {
    json::array list{program};
    while (!arguments.empty()) {
        const auto end = std::min(arguments.find(' '), arguments.size());
        list.emplace_back(arguments.substr(0, end));
        arguments.remove_prefix(std::min(end + 1, arguments.size()));
    }
    return list;
}

json::object answer(const json::array& command, int exit_code, std::string_view out = {}) {
    return {{"command", command}, {"answer", {{"exit_code", exit_code}, {"out", out}}}};
}

/// A recorded machine on which each command answers as told; "then" is what holds after it.
class FirewallRuleTest : public testing::Test {
protected:
    machine::Machine machine_with(const json::array& commands) {
        std::ofstream(capture_.path() / "facts.json") << json::object{
            {"schema", 1}, {"system", {{"platform", "linux"}}}, {"complete", {"commands"}}, {"commands", commands}};
        return machine::recorded::load(capture_.path()).value();
    }

    Journal new_run() const { return Journal::create(state_.path(), std::chrono::system_clock::time_point{}).value(); }

    tests::TemporaryFolder capture_;
    tests::TemporaryFolder state_;
};

constexpr std::string_view iptables_match =
    "-d 168.63.129.16 -p tcp -m tcp --dport 80 -m owner --uid-owner 0 -m comment --comment";

json::array iptables_command(const std::string& action) {
    auto command = words("/usr/sbin/iptables", "-w -t filter " + action + " " + std::string(iptables_match));
    for (const auto* word : {"backup-remediation 168.63.129.16:80", "-j", "ACCEPT"}) command.emplace_back(word);
    return command;
}

TEST_F(FirewallRuleTest, InIptablesIsInsertedFirstAndDeletedByUndo) {
    const auto check = iptables_command("-C OUTPUT");
    auto insert = answer(iptables_command("-I OUTPUT 1"), 0);
    insert["then"] = json::array{answer(check, 0)};
    auto remove = answer(iptables_command("-D OUTPUT"), 0);
    remove["then"] = json::array{answer(check, 1)};
    auto machine = machine_with({answer(check, 1), insert, remove});
    auto journal = new_run();
    Changes changes(machine, &journal, "some-cause", Changes::Mode::apply);

    ASSERT_TRUE(changes.allow_outbound(iptables_rule()));
    ASSERT_TRUE(changes.allow_outbound(iptables_rule())) << "it is there";
    EXPECT_THAT(descriptions_of(changes.steps()),
                ElementsAre("insert a rule in iptables chain filter OUTPUT that accepts root's TCP connections to "
                            "168.63.129.16 port 80"));
    EXPECT_EQ(firewall_rule_slot(iptables_rule())->read(machine).value(), "present");

    auto reopened = Journal::open(state_.path(), journal.run_id()).value();
    EXPECT_EQ(undo(reopened, machine).front().result, Outcome::undone);
    EXPECT_EQ(firewall_rule_slot(iptables_rule())->read(machine).value(), "absent");
    EXPECT_EQ(undo(reopened, machine).front().result, Outcome::already_so);
}

TEST_F(FirewallRuleTest, InIptablesThatCannotAnswerIsAnError) {
    auto machine = machine_with({answer(iptables_command("-C OUTPUT"), 4)});
    EXPECT_EQ(firewall_rule_slot(iptables_rule())->read(machine).error().kind, machine::ErrorKind::refused);
    auto without = machine_with({});
    EXPECT_EQ(firewall_rule_slot(iptables_rule())->read(without).error().kind, machine::ErrorKind::not_found);
}

const json::array list_chains = words("/usr/sbin/nft", "-j -a list chains");
const json::array list_chain = words("/usr/sbin/nft", "-j -a list chain inet filter output");

json::array nft_insertion() {
    auto command = words("/usr/sbin/nft",
                         "insert rule inet filter output ip daddr 168.63.129.16 tcp dport 32526 meta skuid 0 accept "
                         "comment");
    command.emplace_back("\"backup-remediation 168.63.129.16:32526\"");
    return command;
}

constexpr std::string_view chains = R"({"nftables":[{"metainfo":{"json_schema_version":1}},
    {"chain":{"family":"inet","table":"filter","name":"output","handle":1}}]})";
constexpr std::string_view others = R"({"nftables":[{"chain":{"family":"inet","table":"filter","name":"output"}},
    {"rule":{"family":"inet","table":"filter","chain":"output","handle":2,"expr":[{"drop":null}]}},
    {"rule":{"family":"inet","table":"filter","chain":"output","handle":3,"comment":"backup-remediation 168.63.129.16:80"}}
    ]})";
constexpr std::string_view with_ours = R"({"nftables":[
    {"rule":{"handle":9,"comment":"backup-remediation 168.63.129.16:32526"}},{"rule":{"handle":2}}]})";

TEST_F(FirewallRuleTest, InNftIsInsertedFirstAndDeletedByItsHandle) {
    auto insert = answer(nft_insertion(), 0);
    insert["then"] = json::array{answer(list_chain, 0, with_ours)};
    auto remove = answer(words("/usr/sbin/nft", "delete rule inet filter output handle 9"), 0);
    remove["then"] = json::array{answer(list_chain, 0, others)};
    auto machine = machine_with({answer(list_chains, 0, chains), answer(list_chain, 0, others), insert, remove});
    auto journal = new_run();
    Changes changes(machine, &journal, "some-cause", Changes::Mode::apply);

    ASSERT_TRUE(changes.allow_outbound(nft_rule()));
    EXPECT_THAT(descriptions_of(changes.steps()),
                ElementsAre("insert a rule in nft chain inet filter output that accepts root's TCP connections to "
                            "168.63.129.16 port 32526"));
    auto reopened = Journal::open(state_.path(), journal.run_id()).value();
    EXPECT_EQ(undo(reopened, machine).front().result, Outcome::undone);
    EXPECT_EQ(firewall_rule_slot(nft_rule())->read(machine).value(), "absent");
}

TEST_F(FirewallRuleTest, OfAChainThatIsGoneIsAbsent) {
    auto machine = machine_with({answer(list_chains, 0, R"({"nftables":[]})")});
    EXPECT_EQ(firewall_rule_slot(nft_rule())->read(machine).value(), "absent");
}

TEST_F(FirewallRuleTest, WhatNftShouldNotSayIsAnErrorOrNoRule) {
    for (const auto* text : {"", "{", "[]", "{}", R"({"nftables":{}})", R"({"nftables":)"}) {
        auto machine = machine_with({answer(list_chains, 0, text)});
        EXPECT_EQ(firewall_rule_slot(nft_rule())->read(machine).error().kind, machine::ErrorKind::invalid) << text;
    }
    for (const auto* text :
         {R"({"nftables":[7,null,{"rule":7},{"rule":{"comment":7}}]})",
          R"({"nftables":[{"rule":{"comment":"backup-remediation 168.63.129.16:32526","handle":"9"}}]})"}) {
        auto machine = machine_with({answer(list_chains, 0, chains), answer(list_chain, 0, text)});
        EXPECT_EQ(firewall_rule_slot(nft_rule())->read(machine).value(), "absent") << text;
    }
}

TEST(FirewallRuleIdentity, BringsBackTheRule) {
    for (const auto& rule : {iptables_rule(), nft_rule()}) {
        const auto text = json::serialize(firewall_rule_slot(rule)->identity());
        EXPECT_EQ(firewall_rule_from(json::parse(text).as_object()).value(), rule);
        EXPECT_TRUE(make_slot(json::parse(text).as_object()));
    }
}

TEST(FirewallRuleIdentity, HostilePartIsNamed) {
    const auto good = firewall_rule_slot(nft_rule())->identity();
    const std::pair<const char*, json::value> damages[] = {
        {"tool", "ufw"},
        {"program", "nft"},
        {"family", "ip6"},
        {"family", ""},
        {"table", ""},
        {"table", "--help"},
        {"chain", "a; flush"},
        {"chain", "a b"},
        {"address", "::1"},
        {"address", "0/0"},
        {"address", nullptr},
        {"address", "1.2.3"},
        {"address", "1.2.3.4.5"},
        {"address", "1.2.3.256"},
        {"address", "1.2.3."},
        {"address", ".1.2.3"},
        {"address", "host.example.a.b"},
        {"address", ""},
        {"port", 0},
        {"port", -1},
        {"port", 65536},
        {"port", "80"},
        {"port", nullptr},
    };
    for (const auto& [field, value] : damages) {
        auto identity = good;
        identity[field] = value;
        const auto rule = firewall_rule_from(identity);
        ASSERT_FALSE(rule) << field << value;
        EXPECT_EQ(rule.error().kind, machine::ErrorKind::invalid);
        EXPECT_THAT(rule.error().message, HasSubstr("firewall rule: "));
    }
    auto with_family = firewall_rule_slot(iptables_rule())->identity();
    with_family["family"] = "ip";
    EXPECT_FALSE(firewall_rule_from(with_family));
}

}  // namespace
}  // namespace remediations::firewall_rule_test
