// The real firewall, in a network namespace of one thread.
#include <gmock/gmock.h>
#include <sched.h>

#include <cstring>
#include <filesystem>
#include <thread>

#include "remediations/changes/firewall_rule.hpp"

namespace remediations::firewall_rule_linux_test {
namespace {

using machine::Machine;

/// Runs `body` where the firewall is empty and nobody else's; the reason where that is impossible.
template <class Body>
std::string in_own_network(Body body) {
    std::string obstacle;
    std::thread([&] {
        if (::unshare(CLONE_NEWNET) != 0) {
            obstacle = std::string("no network namespace: ") + std::strerror(errno);
            return;
        }
        auto machine = machine::local_machine();
        body(machine);
    }).join();
    return obstacle;
}

std::string run(Machine& machine, const std::string& program, std::vector<std::string> arguments) {
    const auto output = machine.processes().run({program, std::move(arguments)});
    EXPECT_TRUE(output) << output.error().message;
    if (!output) return {};
    EXPECT_EQ(output->exit_code, 0) << output->err;
    return output->out;
}

/// Present, absent, and present again, with what another rule says in between.
void insert_and_delete(Machine& machine, const FirewallRule& rule, const std::vector<std::string>& listing,
                       const std::string& other_rule) {
    const auto slot = firewall_rule_slot(rule);
    const auto list = [&] { return run(machine, rule.program, listing); };
    ASSERT_EQ(slot->read(machine).value(), "absent");
    const auto before = list();
    for (int repeated = 0; repeated < 2; ++repeated) {
        ASSERT_TRUE(slot->write(machine, "present"));
        ASSERT_TRUE(slot->write(machine, "present")) << "twice is once";
        EXPECT_EQ(slot->read(machine).value(), "present");
        const auto listed = list();
        EXPECT_LT(listed.find("backup-remediation 168.63.129.16:80"), listed.find(other_rule)) << listed;
        ASSERT_TRUE(slot->write(machine, "absent"));
        ASSERT_TRUE(slot->write(machine, "absent"));
        EXPECT_EQ(slot->read(machine).value(), "absent");
        EXPECT_EQ(list(), before);
    }
}

std::string program_at(std::initializer_list<const char*> paths) {
    for (const auto* path : paths) {
        std::error_code error;
        if (std::filesystem::exists(path, error)) return path;
    }
    return {};
}

TEST(FirewallRule, InNft) {
    const auto nft = program_at({"/usr/sbin/nft", "/sbin/nft"});
    if (nft.empty()) GTEST_SKIP() << "nft is not installed";
    const auto obstacle = in_own_network([&](Machine& machine) {
        FirewallRule rule{FirewallRule::Tool::nft, nft, "inet", "own-table", "out", "168.63.129.16", 80};
        EXPECT_EQ(firewall_rule_slot(rule)->read(machine).value(), "absent") << "there is no such chain";
        EXPECT_FALSE(firewall_rule_slot(rule)->write(machine, "present"));
        run(machine, nft, {"add", "table", "inet", "own-table"});
        run(machine, nft, {"add", "chain", "inet", "own-table", "out", "{ type filter hook output priority 0; }"});
        run(machine, nft, {"add", "rule", "inet", "own-table", "out", "ip", "daddr", "168.63.129.16", "drop"});
        insert_and_delete(machine, rule, {"list", "ruleset"}, "drop");
        auto other = rule;
        other.port = 32526;
        ASSERT_TRUE(firewall_rule_slot(rule)->write(machine, "present"));
        EXPECT_EQ(firewall_rule_slot(other)->read(machine).value(), "absent");
    });
    if (!obstacle.empty()) GTEST_SKIP() << obstacle;
}

TEST(FirewallRule, InIptables) {
    const auto iptables = program_at({"/usr/sbin/iptables", "/sbin/iptables"});
    if (iptables.empty()) GTEST_SKIP() << "iptables is not installed";
    const auto obstacle = in_own_network([&](Machine& machine) {
        const FirewallRule rule{FirewallRule::Tool::iptables, iptables, "", "filter", "OUTPUT", "168.63.129.16", 80};
        run(machine, iptables, {"-w", "-t", "filter", "-A", "OUTPUT", "-d", "168.63.129.16", "-j", "DROP"});
        insert_and_delete(machine, rule, {"-w", "-t", "filter", "-S", "OUTPUT"}, "DROP");
        auto gone = rule;
        gone.chain = "no-such-chain";
        EXPECT_EQ(firewall_rule_slot(gone)->read(machine).value(), "absent");
        EXPECT_FALSE(firewall_rule_slot(gone)->write(machine, "present"));
    });
    if (!obstacle.empty()) GTEST_SKIP() << obstacle;
}

}  // namespace
}  // namespace remediations::firewall_rule_linux_test
