#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "remediations/knowledge/network/firewall.hpp"
#include "remediations/knowledge/network/iptables_rules.hpp"
#include "remediations/knowledge/network/nftables_rules.hpp"
#include "remediations/machine/ipv4.hpp"

namespace remediations::firewall_rules_test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

const OutgoingConnection to_platform{.destination = 0xa83f8110, .port = 80, .source = 0x0a000004, .interface = "eth0"};

FilterChains iptables(const std::string& rules, const std::string& policy = "ACCEPT") {
    return parse_iptables_save(
        "*filter\n:OUTPUT " + policy + " [0:0]\n:own - [0:0]\n:other - [0:0]\n" + rules + "COMMIT\n", to_platform);
}

/// "drop", "drop?" where it is not certain, "" where nothing stops it.
std::string verdict(const FilterChains& chains) {
    const auto blocks = blocks_of(chains);
    if (blocks.empty()) return {};
    const auto& block = blocks.back().certain ? blocks.back() : blocks.front();
    const auto action = block.action == FilterAction::drop     ? "drop"
                        : block.action == FilterAction::reject ? "reject"
                                                               : "redirect";
    return std::string(action) + (block.certain ? "" : "?");
}

TEST(IptablesRules, Conditions) {
    const struct {
        const char* rule;
        const char* expected;
    } cases[] = {
        {"-d 168.63.129.16/32 -j DROP", "drop"},
        {"-d 168.63.129.16 -j REJECT --reject-with icmp-port-unreachable", "reject"},
        {"-d 168.63.0.0/255.255.0.0 -j DROP", "drop"},
        {"-d 10.0.0.0/8 -j DROP", ""},
        {"! -d 10.0.0.0/8 -j DROP", "drop"},
        {"-s 10.0.0.4/32 -p tcp -m tcp --dport 80 -j DROP", "drop"},
        {"-p tcp -m tcp --dport 81:90 -j DROP", ""},
        {"-p tcp -m tcp --dport :90 -j DROP", "drop"},
        {"-p udp -j DROP", ""},
        {"-p tcp -j NFQUEUE --queue-num 1", "drop?"},
        {"! -p udp -j DROP", "drop"},
        {"-p tcp -m multiport --dports 22,79:81 -j DROP", "drop"},
        {"-p tcp -m multiport ! --dports 22,79:81 -j DROP", ""},
        {"-o eth+ -j DROP", "drop"},
        {"-o lo -j DROP", ""},
        {"! -o lo -j DROP", "drop"},
        {"-m owner --uid-owner 1000 -j DROP", ""},
        {"-m owner ! --uid-owner 0 -j DROP", ""},
        {"-m owner --uid-owner 0-99 -j DROP", "drop"},
        {"-m conntrack --ctstate INVALID,NEW -j DROP", "drop"},
        {"-m state --state RELATED,ESTABLISHED -j DROP", ""},
        {"-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j DROP", "drop"},
        {"-p tcp -m tcp ! --tcp-flags FIN,SYN,RST,ACK SYN -j DROP", ""},
        {"-m iprange --dst-range 168.63.129.1-168.63.129.99 -j DROP", "drop"},
        {"-m addrtype --dst-type LOCAL -j DROP", ""},
        {"-m set --match-set blocklist dst -j DROP", "drop?"},
        {"-m limit --limit 5/min --limit-burst 10 -j DROP", "drop?"},
        {"-m set ! --match-set allowed dst -j REJECT", "reject?"},
        {"-m comment --comment \"-j ACCEPT \\\"and\\\" more\" -j DROP", "drop"},
        {"-j LOG --log-prefix \"-j DROP \"", ""},
        {"-j MARK --set-xmark 0x1/0xffffffff", ""},
        {"-m string --string \"x\" --algo bm -j DROP", "drop?"},
        {"-d not-an-address -j DROP", "drop?"},
        {"-j", ""},
        {"-p", ""},
        {"!", ""},
    };
    for (const auto& one : cases) {
        EXPECT_EQ(verdict(iptables(std::string("-A OUTPUT ") + one.rule + "\n")), one.expected) << one.rule;
    }
}

TEST(IptablesRules, FollowsChains) {
    EXPECT_EQ(verdict(iptables("-A OUTPUT -j own\n-A own -j DROP\n")), "drop");
    EXPECT_EQ(verdict(iptables("-A OUTPUT -j own\n-A own -j RETURN\n-A own -j DROP\n")), "");
    EXPECT_EQ(verdict(iptables("-A OUTPUT -j ACCEPT\n-A OUTPUT -j DROP\n")), "");
    EXPECT_EQ(verdict(iptables("-A OUTPUT -g own\n-A OUTPUT -j DROP\n-A own -j LOG\n")), "") << "it does not come back";
    EXPECT_EQ(verdict(iptables("-A OUTPUT -g own\n", "DROP")), "drop") << "to the policy";
    EXPECT_EQ(verdict(iptables("-A OUTPUT -j own\n-A own -j other\n-A other -j own\n", "DROP")), "drop")
        << "in circles";
    EXPECT_EQ(verdict(iptables("-A OUTPUT -m set --match-set x dst -j own\n-A own -j DROP\n")), "drop?");
    EXPECT_EQ(verdict(iptables("", "DROP")), "drop");
    EXPECT_EQ(verdict(iptables("-A OUTPUT -j no-such-chain\n")), "");
    const auto accepted_then_dropped = parse_iptables_save(
        "*filter\n:OUTPUT ACCEPT [0:0]\n-A OUTPUT -j ACCEPT\nCOMMIT\n*security\n:OUTPUT ACCEPT [0:0]\n"
        "[12:345] -A OUTPUT -d 168.63.129.16/32 -j DROP\nCOMMIT\n",
        to_platform);
    EXPECT_EQ(verdict(accepted_then_dropped), "drop") << "accepted by one table is not accepted by all";
    EXPECT_EQ(blocks_of(accepted_then_dropped).front().base_chain, "security OUTPUT");
}

/// Behind what may let the connection through, nothing is certain.
TEST(IptablesRules, AMaybeTakesTheCertaintyFromAllBehindIt) {
    for (const std::string condition :
         {"-m cgroup --path system.slice/waagent.service", "-m set --match-set platform dst", "-m mark --mark 0x1",
          "-m limit --limit 1/sec", "-m owner --socket-exists", "-m bpf --bytecode x", "-m rpfilter", "-m time",
          "-m recent --rcheck", "-m u32 --u32 x", "-d not-an-address", "-p tcp --dport http"}) {
        const auto accept = "-A OUTPUT " + condition + " -j ACCEPT\n";
        EXPECT_EQ(verdict(iptables(accept, "DROP")), "drop?") << condition;
        EXPECT_EQ(verdict(iptables(accept + "-A OUTPUT -d 168.63.129.16 -j DROP\n")), "drop?") << condition;
        EXPECT_EQ(verdict(iptables("-A OUTPUT -j own\n-A OUTPUT -j DROP\n-A own " + condition + " -j ACCEPT\n")),
                  "drop?");
        EXPECT_EQ(verdict(iptables("-A OUTPUT " + condition + " -j own\n-A OUTPUT -j DROP\n-A own -j ACCEPT\n")),
                  "drop?");
        EXPECT_EQ(verdict(iptables("-A OUTPUT " + condition + " -j RETURN\n-A OUTPUT -j DROP\n")), "drop?");
        EXPECT_EQ(verdict(iptables("-A OUTPUT " + condition + " -g own\n-A OUTPUT -j DROP\n-A own -j LOG\n")), "drop?");
    }
    EXPECT_EQ(verdict(iptables("-A OUTPUT -j NFQUEUE --queue-num 1\n", "DROP")), "drop?") << "a program may accept";
    // What certainly stops it before, or in another table, does so all the same.
    EXPECT_EQ(verdict(iptables("-A OUTPUT -j DROP\n-A OUTPUT -m set --match-set x dst -j ACCEPT\n")), "drop");
    EXPECT_EQ(
        verdict(parse_iptables_save("*mangle\n:OUTPUT ACCEPT [0:0]\n-A OUTPUT -m set --match-set x dst -j ACCEPT\n"
                                    "COMMIT\n*filter\n:OUTPUT ACCEPT [0:0]\n-A OUTPUT -j DROP\nCOMMIT\n",
                                    to_platform)),
        "drop");
    EXPECT_EQ(verdict(iptables("-A OUTPUT -j own\n-A OUTPUT -j DROP\n-A own -m set --match-set x dst -j RETURN\n")),
              "drop")
        << "it comes back";
}

TEST(IptablesRules, ThousandsAboutOthersAreNotKept) {
    std::string rules;
    for (int i = 0; i < 12000; ++i) rules += fmt::format("-A OUTPUT -d 10.{}.{}.1/32 -j ACCEPT\n", i / 250, i % 250);
    const auto chains = iptables(rules, "DROP");
    EXPECT_EQ(verdict(chains), "drop");
    EXPECT_THAT(chains.at("filter OUTPUT").rules, IsEmpty());
}

TEST(IptablesRules, TheGuestAgentsRulesLetRootPass) {
    const std::string accept_root = "-A OUTPUT -d 168.63.129.16/32 -p tcp -m owner --uid-owner 0 -j ACCEPT\n";
    const std::string drop_others = "-A OUTPUT -d 168.63.129.16/32 -p tcp -m conntrack --ctstate INVALID,NEW -j DROP\n";
    const auto security = [](const std::string& rules) {
        return parse_iptables_save("*security\n:OUTPUT ACCEPT [0:0]\n" + rules + "COMMIT\n", to_platform);
    };
    EXPECT_THAT(blocks_of(security(accept_root + drop_others)), IsEmpty());
    const auto incomplete = blocks_in({{FirewallRule::Tool::iptables, "/usr/sbin/iptables", security(drop_others)}});
    ASSERT_THAT(incomplete, SizeIs(1));
    EXPECT_TRUE(incomplete.front().is_of_guest_agent());
}

TEST(IptablesRules, HostileTextEndsInSomeAnswer) {
    std::string deep = "*filter\n:OUTPUT ACCEPT [0:0]\n";
    for (int chain = 0; chain < 200; ++chain) {
        for (int twice = 0; twice < 2; ++twice) {
            deep += "-A c" + std::to_string(chain) + " -j c" + std::to_string(chain + 1) + "\n";
        }
    }
    deep += "-A OUTPUT -j c0\n";
    EXPECT_THAT(blocks_of(parse_iptables_save(deep, to_platform)), IsEmpty());

    std::mt19937 random(20261121);
    const std::string sample =
        "*filter\n:OUTPUT DROP [0:0]\n-A OUTPUT ! -d 1.2.3.4/0 -p tcp --tcp-flags ALL SYN -m x \"a b\\\" -j "
        "DROP\nCOMMIT\n";
    for (int round = 0; round < 3000; ++round) {
        auto text = sample;
        for (int change = 0; change < 6; ++change) {
            text[random() % text.size()] = static_cast<char>(random() % 256);
            if (random() % 4 == 0) text.resize(1 + random() % text.size());
        }
        blocks_of(parse_iptables_save(text, to_platform));
    }
    parse_iptables_save(std::string(1 << 20, '"'), to_platform);
    parse_iptables_save(std::string(1 << 20, '['), to_platform);
    parse_iptables_save(":\n-A \n-A\n*\n\n[\n", to_platform);
}

TEST(IptablesRules, EachChainIsWalkedOnceHoweverManyWaysLeadThere) {
    std::string chains = "*filter\n:OUTPUT ACCEPT [0:0]\n";
    std::string rules;
    for (int level = 0; level < 15; ++level) {
        chains += fmt::format(":c{} - [0:0]\n", level);
        for (int way = 0; way < 4; ++way) rules += fmt::format("-A c{} -j c{}\n", level, level + 1);
    }
    chains += ":c15 - [0:0]\n";
    rules += "-A c15 -m string --string x -j REJECT\n-A OUTPUT -j c0\n-A OUTPUT -d 168.63.129.16 -j DROP\n";
    const auto blocks = blocks_of(parse_iptables_save(chains + rules + "COMMIT\n", to_platform));
    ASSERT_THAT(blocks, SizeIs(2));
    EXPECT_EQ(blocks[0].chain, "filter c15");
    EXPECT_TRUE(blocks[1].certain);
}

std::string ruleset(const std::string& expressions, const std::string& more = "") {
    return R"({"nftables": [{"metainfo": {"json_schema_version": 1}}, {"table": {"family": "inet", "name": "t", "handle": 1}},)"
           R"({"chain": {"family": "inet", "table": "t", "name": "out", "handle": 1, "type": "filter", "hook": "output", "prio": 0, "policy": "accept"}},)"
           R"({"chain": {"family": "inet", "table": "t", "name": "own", "handle": 2}},)" +
           more + R"({"rule": {"family": "inet", "table": "t", "chain": "out", "handle": 4, "expr": [)" + expressions +
           "]}}]}";
}

std::string match(const std::string& left, const std::string& right, const std::string& op = "==") {
    return R"({"match": {"op": ")" + op + R"(", "left": )" + left + R"(, "right": )" + right + "}}";
}

const std::string daddr = R"({"payload": {"protocol": "ip", "field": "daddr"}})";
const std::string dport = R"({"payload": {"protocol": "tcp", "field": "dport"}})";
const std::string state = R"({"ct": {"key": "state"}})";
const std::string user = R"({"meta": {"key": "skuid"}})";
const std::string out_name = R"({"meta": {"key": "oifname"}})";

std::string nft_verdict(const std::string& json) {
    const auto chains = parse_nftables_ruleset(json, to_platform);
    return chains ? verdict(*chains) : chains.error().message;
}

TEST(NftablesRules, Conditions) {
    const std::string drop = R"(, {"drop": null})";
    const struct {
        std::string expressions;
        const char* expected;
    } cases[] = {
        {match(daddr, "\"168.63.129.16\"") + drop, "drop"},
        {match(daddr, "\"168.63.129.17\"") + drop, ""},
        {match(daddr, "\"168.63.129.16\"", "!=") + drop, ""},
        {match(daddr, R"({"prefix": {"addr": "168.63.0.0", "len": 16}})") + drop, "drop"},
        {match(daddr, R"({"range": ["168.63.129.0", "168.63.129.255"]})") + drop, "drop"},
        {match(daddr, R"({"set": ["10.0.0.1", {"elem": {"val": "168.63.129.16", "timeout": 9}}]})") + drop, "drop"},
        {match(daddr, "\"@bad\"") + drop, "drop"},
        {match(daddr, "\"@empty\"") + drop, ""},
        {match(dport, R"({"set": [22, {"range": [79, 81]}]})") + drop, "drop"},
        {match(dport, "1024", "<") + drop, "drop"},
        {match(dport, "1024", ">=") + drop, ""},
        {match(state, R"(["established", "related"])", "in") + drop, ""},
        {match(state, R"(["invalid", "new"])", "in") + drop, "drop"},
        {match(user, "0", "!=") + drop, ""},
        {match(user, "\"root\"") + drop, "drop"},
        {match(out_name, "\"lo\"") + drop, ""},
        {match(out_name, "\"eth*\"") + drop, "drop"},
        {match(R"({"payload": {"protocol": "udp", "field": "dport"}})", "53") + drop, ""},
        {match(R"({"payload": {"protocol": "udp", "field": "dport"}})", "53", "!=") + drop, ""},
        {match(R"({"&": [{"payload": {"protocol": "tcp", "field": "flags"}}, ["fin", "syn"]]})", "\"syn\"") + drop,
         "drop"},
        {match(R"({"meta": {"key": "mark"}})", "1") + drop, "drop?"},
        {R"({"limit": {"rate": 5, "per": "minute"}}, {"drop": null})", "drop?"},
        {R"({"xt": {"type": "match", "name": "owner"}}, {"drop": null})", "drop?"},
        {R"({"counter": {"packets": 1, "bytes": 60}}, {"log": null}, {"reject": {"type": "tcp reset"}})", "reject"},
        {R"({"vmap": {"key": )" + dport + R"(, "data": {"set": [[22, {"accept": null}], [80, {"drop": null}]]}}})",
         "drop"},
        {R"({"vmap": {"key": )" + dport + R"(, "data": {"set": [[80, {"accept": null}]]}}}, {"drop": null})", ""},
        {R"({"jump": {"target": "own"}})", "reject"},
        {R"({"goto": {"target": "nowhere"}})", ""},
        {R"({"redirect": {"port": 3128}})", "redirect"},
        {R"({"queue": {"num": 1}})", "drop?"},
        {R"("drop")", ""},
    };
    const std::string more =
        R"({"set": {"family": "inet", "name": "bad", "table": "t", "type": "ipv4_addr", "elem": ["10.0.0.1", {"prefix": {"addr": "168.63.129.0", "len": 24}}]}},)"
        R"({"set": {"family": "inet", "name": "empty", "table": "t", "type": "ipv4_addr"}},)"
        R"({"rule": {"family": "inet", "table": "t", "chain": "own", "handle": 3, "expr": [{"reject": null}]}},)";
    for (const auto& one : cases) {
        EXPECT_EQ(nft_verdict(ruleset(one.expressions, more)), one.expected) << one.expressions;
    }
}

TEST(NftablesRules, OtherFamiliesAndHooksDoNotMatter) {
    for (const auto* chain : {R"("family": "ip6", "hook": "output")", R"("family": "inet", "hook": "input")",
                              R"("family": "bridge", "hook": "output")"}) {
        const auto json =
            std::string(R"({"nftables": [{"chain": {"table": "t", "name": "c", "prio": 0, "policy": "drop", )") +
            chain + "}}]}";
        EXPECT_EQ(nft_verdict(json), "") << chain;
    }
}

TEST(NftablesRules, HostileTextEndsInSomeAnswer) {
    for (const std::string text : {"", "nft: syntax error", "[]", "{}", R"({"nftables": {}})"}) {
        EXPECT_THAT(nft_verdict(text), testing::HasSubstr("'nftables' was expected")) << text;
    }
    EXPECT_FALSE(parse_nftables_ruleset(std::string(100000, '['), to_platform));
    const std::vector<std::string> values{"null",
                                          "true",
                                          "-1",
                                          "1e300",
                                          "\"@\"",
                                          "\"x\"",
                                          "[]",
                                          "{}",
                                          "[[]]",
                                          R"({"set": "@bad"})",
                                          R"({"prefix": 1})",
                                          R"({"range": [1]})",
                                          R"({"elem": {}})"};
    for (const auto& left : values) {
        for (const auto& right : values) {
            nft_verdict(ruleset(match(left, right)));
            nft_verdict(ruleset(match(daddr, right)));
            nft_verdict(ruleset(match(dport, right, "<")));
            nft_verdict(ruleset(R"({"vmap": {"key": )" + left + R"(, "data": )" + right + "}}"));
        }
        nft_verdict(ruleset(left));
        nft_verdict(ruleset(R"({"jump": )" + left + "}"));
        nft_verdict(R"({"nftables": [{"rule": )" + left + R"(}, {"chain": )" + left + R"(}, {"set": )" + left + "}]}");
    }
}

TEST(Firewall, RulesThatLetThroughComeFirstInEachChainThatStops) {
    const auto chains = parse_iptables_save(
        "*filter\n:OUTPUT ACCEPT [0:0]\n:own - [0:0]\n-A OUTPUT -j own\n-A own -j DROP\nCOMMIT\n"
        "*security\n:OUTPUT DROP [0:0]\nCOMMIT\n",
        to_platform);
    const auto rules =
        rules_that_let_through({{FirewallRule::Tool::iptables, "/usr/sbin/iptables", chains}}, "168.63.129.16", 80);
    EXPECT_THAT(rules, ElementsAre(FirewallRule{FirewallRule::Tool::iptables, "/usr/sbin/iptables", "", "filter",
                                                "OUTPUT", "168.63.129.16", 80},
                                   FirewallRule{FirewallRule::Tool::iptables, "/usr/sbin/iptables", "", "security",
                                                "OUTPUT", "168.63.129.16", 80}));
}

TEST(Firewall, Addresses) {
    EXPECT_EQ(machine::parse_ipv4("168.63.129.16"), 0xa83f8110U);
    for (const auto* text : {"", "1.2.3", "1.2.3.4.5", "1.2.3.256", "::1", "1.2.3.4 "}) {
        EXPECT_FALSE(machine::parse_ipv4(text)) << text;
    }
    EXPECT_TRUE(parse_ipv4_network("0.0.0.0/0")->contains(0xa83f8110));
    EXPECT_FALSE(parse_ipv4_network("168.63.129.17/32")->contains(0xa83f8110));
    for (const auto* text : {"1.2.3.4/33", "1.2.3.4/", "1.2.3.4/-1", "/8", "1.2.3.4/8x"}) {
        EXPECT_FALSE(parse_ipv4_network(text)) << text;
    }
}

/// A ruleset with one output chain; `elements` stand before its rule.
FilterChains nft(const std::string& policy, const std::string& elements, const std::vector<std::string>& rules) {
    std::string text =
        R"({"nftables": [{"metainfo": {"json_schema_version": 1}}, {"chain": {"family": "inet", "table": "t",
        "name": "output", "handle": 1, "type": "filter", "hook": "output", "prio": 0, "policy": ")" +
        policy + "\"}}" + (elements.empty() ? "" : ", ") + elements;
    for (const auto& rule : rules) {
        text +=
            R"(, {"rule": {"family": "inet", "table": "t", "chain": "output", "handle": 7, "expr": [)" + rule + "]}}";
    }
    const auto chains = parse_nftables_ruleset(text + "]}", to_platform);
    if (!chains) throw std::runtime_error(chains.error().message);
    return *chains;
}

constexpr auto address_and_port = R"({"concat": [{"payload": {"protocol": "ip", "field": "daddr"}},
    {"payload": {"protocol": "tcp", "field": "dport"}}]})";

TEST(NftablesRules, ConcatenationsAreJudged) {
    const std::string platform = R"({"set": [{"concat": ["10.0.0.1", 80]}, {"concat": ["168.63.129.16", 80]}]})";
    const std::string others = R"({"set": [{"concat": ["168.63.129.16", 443]}, {"concat": ["10.0.0.1", 80]}]})";
    const std::string network =
        R"({"set": [{"concat": [{"prefix": {"addr": "168.63.0.0", "len": 16}}, {"range": [1, 1000]}]}]})";
    EXPECT_EQ(verdict(nft("drop", "", {match(address_and_port, platform) + R"(, {"accept": null})"})), "");
    EXPECT_EQ(verdict(nft("drop", "", {match(address_and_port, network) + R"(, {"accept": null})"})), "");
    EXPECT_EQ(verdict(nft("drop", "", {match(address_and_port, others) + R"(, {"accept": null})"})), "drop");
    EXPECT_EQ(verdict(nft("accept", "", {match(address_and_port, others, "!=") + R"(, {"drop": null})"})), "drop");
    EXPECT_EQ(verdict(nft("accept", "", {match(address_and_port, platform, "!=") + R"(, {"drop": null})"})), "");
    const std::string named =
        R"({"set": {"family": "inet", "table": "t", "name": "s", "type": ["ipv4_addr", "inet_service"],
        "elem": [{"concat": ["168.63.129.16", 80]}, {"elem": {"val": {"concat": ["10.0.0.1", 80]}, "timeout": 5}}]}})";
    EXPECT_EQ(verdict(nft("drop", named, {match(address_and_port, "\"@s\"") + R"(, {"accept": null})"})), "");
    EXPECT_EQ(verdict(nft("drop", "", {match(address_and_port, "\"@s\"") + R"(, {"accept": null})"})), "drop?")
        << "a set that is not known";
}

TEST(NftablesRules, VerdictMapsAreJudged) {
    const auto map = [](const std::string& elements) {
        return R"({"map": {"family": "inet", "table": "t", "name": "m", "type": "ipv4_addr", "map": "verdict", "elem": [)" +
               elements + "]}}";
    };
    const std::string lookup = R"({"vmap": {"key": {"payload": {"protocol": "ip", "field": "daddr"}}, "data": "@m"}})";
    EXPECT_EQ(verdict(nft("drop", map(R"(["168.63.129.16", {"accept": null}])"), {lookup})), "");
    EXPECT_EQ(verdict(nft("drop", map(R"(["10.0.0.1", {"accept": null}])"), {lookup})), "drop");
    EXPECT_EQ(verdict(nft("accept", map(R"(["168.63.129.16", {"drop": null}])"), {lookup})), "drop");
    EXPECT_EQ(verdict(nft("accept", map(""), {lookup})), "");
    EXPECT_EQ(verdict(nft("drop", "", {lookup})), "drop?") << "a map that is not known";
}

TEST(NftablesRules, AMaybeTakesTheCertaintyFromAllBehindIt) {
    for (const std::string left :
         {R"({"socket": {"key": "cgroupv2"}})", R"({"meta": {"key": "mark"}})", R"({"meta": {"key": "cgroup"}})",
          R"({"ct": {"key": "mark"}})", R"({"fib": {"result": "type", "flags": ["daddr"]}})", R"({"unheard": "of"})"}) {
        const auto accept = match(left, "\"waagent.service\"") + R"(, {"accept": null})";
        EXPECT_EQ(verdict(nft("drop", "", {accept})), "drop?") << left;
        EXPECT_EQ(verdict(nft("accept", "", {accept, R"({"drop": null})"})), "drop?") << left;
    }
    EXPECT_EQ(verdict(nft("drop", "", {R"({"queue": {"num": 1}})"})), "drop?");
    EXPECT_EQ(verdict(nft("drop", "", {R"({"xt": null}, {"accept": null})"})), "drop?");
    EXPECT_EQ(verdict(nft("drop", "", {match(R"({"meta": {"key": "skuid"}})", "1000") + R"(, {"accept": null})"})),
              "drop")
        << "root is not user 1000";
}

TEST(NftablesRules, ADocumentThatBreaksOffIsNone) {
    const std::string whole = R"({"nftables": [{"metainfo": {"a": "]}"}}, {"table": {"name": "t"}}]})";
    EXPECT_TRUE(parse_nftables_ruleset(whole, to_platform));
    EXPECT_TRUE(parse_nftables_ruleset(" { \"nftables\" : [ ] } ", to_platform));
    for (std::size_t size = 0; size + 1 < whole.size(); ++size) {
        EXPECT_FALSE(parse_nftables_ruleset(whole.substr(0, size), to_platform)) << size;
    }
    for (const std::string text :
         {"[]", "{}", R"({"nftables": {}})", R"({"nftables": [}]})", R"({"nftables": [{]]})"}) {
        EXPECT_FALSE(parse_nftables_ruleset(text, to_platform)) << text;
    }
}

}  // namespace
}  // namespace remediations::firewall_rules_test
