#include "remediations/knowledge/network/windows_firewall.hpp"

#include <gtest/gtest.h>

namespace remediations::windows_firewall_test {
namespace {

FirewallMatch match(const std::string& conditions, std::uint16_t port = 80) {
    const auto rule = parse_windows_firewall_rule("v2.31|Action=Block|Active=TRUE|Dir=Out|" + conditions + "Name=x|");
    return matches_agent_traffic(rule.value(), "168.63.129.16", port);
}

constexpr auto no = FirewallMatch::no;
constexpr auto maybe = FirewallMatch::maybe;
constexpr auto yes = FirewallMatch::yes;

TEST(WindowsFirewallRule, IsTakenApart) {
    const auto rule = parse_windows_firewall_rule(
        "v2.31|Action=Block|Active=FALSE|Dir=Out|Protocol=6|RPort=80|RPort=443|RA4=10.0.0.0/8|Name=A = b|Desc=|");
    ASSERT_TRUE(rule);
    EXPECT_TRUE(rule->blocks);
    EXPECT_FALSE(rule->is_active);
    EXPECT_TRUE(rule->is_outbound);
    EXPECT_EQ(rule->name, "A = b");
    EXPECT_EQ(rule->values("rport"), (std::vector<std::string_view>{"80", "443"}));
    EXPECT_FALSE(parse_windows_firewall_rule("v2.31|Active=TRUE|"));
    EXPECT_FALSE(parse_windows_firewall_rule(""));
    EXPECT_FALSE(parse_windows_firewall_rule("garbage"));
    EXPECT_TRUE(parse_windows_firewall_rule("|||Action=Allow|=|==|x"));
}

TEST(WindowsFirewallRule, WithoutConditionsIsForEverything) {
    EXPECT_EQ(match(""), yes);
    EXPECT_EQ(match("Protocol=256|"), yes);
    EXPECT_EQ(match("Protocol=17|"), no);
    EXPECT_EQ(match("Svc=*|"), yes);
    const auto inbound = parse_windows_firewall_rule("v2.31|Action=Block|Active=TRUE|Dir=In|");
    EXPECT_EQ(matches_agent_traffic(*inbound, "168.63.129.16", 80), no);
    const auto inactive = parse_windows_firewall_rule("v2.31|Action=Block|Active=FALSE|Dir=Out|");
    EXPECT_EQ(matches_agent_traffic(*inactive, "168.63.129.16", 80), no);
}

TEST(WindowsFirewallRule, AddressesCanBeRangesAndMasks) {
    for (const auto* address : {"168.63.129.16", "168.63.129.16/32", "168.63.128.0/255.255.254.0", "168.0.0.0/8",
                                "0.0.0.0/0", "168.63.129.1-168.63.129.200", "0.0.0.0-255.255.255.255", "*"}) {
        EXPECT_EQ(match(std::string("RA4=") + address + "|"), yes) << address;
    }
    for (const auto* address : {"168.63.129.17", "10.0.0.0/8", "168.63.129.17-168.63.129.20", "LocalSubnet"}) {
        EXPECT_EQ(match(std::string("RA4=") + address + "|"), no) << address;
    }
    EXPECT_EQ(match("RA4=10.0.0.1|RA4=168.63.129.16|"), yes);
    EXPECT_EQ(match("RA42=Internet|"), maybe);
    EXPECT_EQ(match("RA6=fe80::/10|"), no);
    EXPECT_EQ(match("RA6=fe80::/10|RA4=168.63.129.16|"), yes);
    for (const auto* garbage : {"", "1.2.3", "1.2.3.4.5", "999.1.1.1", "1.2.3.4/33", "1.2.3.4/x", "1.2.3.4-", "-"}) {
        EXPECT_NE(match(std::string("RA4=") + garbage + "|"), yes) << garbage;
    }
}

TEST(WindowsFirewallRule, PortsCanBeListsAndRanges) {
    EXPECT_EQ(match("Protocol=6|RPort=80|"), yes);
    EXPECT_EQ(match("Protocol=6|RPort=80|", 32526), no);
    EXPECT_EQ(match("Protocol=6|RPort2_10=1-65535|", 32526), yes);
    EXPECT_EQ(match("Protocol=6|RPort=443|RPort2_10=70-90|"), yes);
    for (const auto* garbage : {"", "x", "RPC", "80-", "-80", "90-80", "99999999999"}) {
        EXPECT_EQ(match(std::string("RPort=") + garbage + "|"), no) << garbage;
    }
}

TEST(WindowsFirewallRule, ForAnotherProgramIsNotForTheAgent) {
    EXPECT_EQ(match("App=C:\\x\\browser.exe|"), no);
    EXPECT_EQ(match("App=%SystemDrive%\\WindowsAzure\\GuestAgent_1\\WaAppAgent.exe|"), yes);
    EXPECT_EQ(match("App=waappagent.EXE|Svc=RdAgent|"), yes);
    EXPECT_EQ(match("App=%SystemRoot%\\system32\\svchost.exe|Svc=dnscache|"), no);
    EXPECT_EQ(match("AppPkgId=S-1-15-2-1|"), no);
    EXPECT_EQ(match("LUOwn=S-1-5-21-1-2-3-1001|"), no);
}

TEST(WindowsFirewallRule, WhatDependsOnMoreMayMatch) {
    EXPECT_EQ(match("Profile=Public|"), maybe);
    EXPECT_EQ(match("Profile=Domain|Profile=Private|Profile=Public|"), yes);
    EXPECT_EQ(match("IFType=Wireless|"), maybe);
    EXPECT_EQ(match("LUAuth=O:LSD:(A;;CC;;;S-1-5-84-0-0-0-0-0)|"), maybe);
    EXPECT_EQ(match("LA4=10.0.0.4|"), maybe);
    EXPECT_EQ(match("FutureCondition=1|"), maybe);
    EXPECT_EQ(match("FutureCondition=1|RA4=10.0.0.1|"), no);
    EXPECT_EQ(match("Desc=text|EmbedCtxt=group|Edge=TRUE|"), yes);
}

}  // namespace
}  // namespace remediations::windows_firewall_test
