// Every way in which a VM can lose 168.63.129.16, made for real: a process with its own network, mounts and a
// neighbour that plays the host.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/write.hpp>
#include <boost/json.hpp>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>
#include <thread>

#include "remediations/changes/journal.hpp"
#include "remediations/changes/undo.hpp"
#include "remediations/engine/engine.hpp"
#include "remediations/machine/run_command.hpp"
#include "tests/temporary_folder.hpp"

namespace remediations::blocked_wire_server_linux_test {
namespace {

namespace json = boost::json;
using testing::HasSubstr;
using Commands = std::vector<std::vector<std::string>>;

std::string program(const std::string& name) {
    for (const auto* folder : {"/usr/sbin/", "/sbin/", "/usr/bin/", "/bin/"}) {
        std::error_code error;
        if (std::filesystem::exists(folder + name, error)) return folder + name;
    }
    return {};
}

void run_or_throw(std::vector<std::string> words) {
    const auto tool = program(words.front());
    words.erase(words.begin());
    const auto output = machine::run_command({tool, words});
    if (!output) throw std::runtime_error(output.error().message);
    if (output->exit_code != 0) throw std::runtime_error(tool + ": " + output->err);
}

/// Answers every request on the port as the platform answers for its versions.
void serve(std::uint16_t port) {
    using boost::asio::ip::tcp;
    boost::asio::io_context context;
    tcp::acceptor acceptor(context, {tcp::v4(), port});
    const std::string body = "<?xml version=\"1.0\"?><Versions/>";
    while (true) {
        tcp::socket socket(context);
        acceptor.accept(socket);
        boost::system::error_code error;
        boost::asio::streambuf request;
        boost::asio::read_until(socket, request, "\r\n\r\n", error);
        const auto answer = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: " + std::to_string(body.size()) +
                            "\r\n\r\n" + body;
        boost::asio::write(socket, boost::asio::buffer(answer), error);
    }
}

/// A process in a network of its own that has the platform's address on eth0's other end. Made so, eth0 is no network
/// card to the product; built upon another interface it is one.
class Host {
public:
    Host(bool answers, bool eth0_is_card) {
        int ready[2] = {};
        int go[2] = {};
        if (::pipe(ready) != 0 || ::pipe(go) != 0) throw std::runtime_error("no pipe");
        pid_ = ::fork();
        if (pid_ == 0) be_host(ready[1], go[0], answers);
        wait_for(ready[0]);
        const std::string end = eth0_is_card ? "wire0" : "eth0";
        run_or_throw(
            {"ip", "link", "add", end, "type", "veth", "peer", "name", "host0", "netns", std::to_string(pid_)});
        if (eth0_is_card) {
            run_or_throw({"ip", "link", "set", end, "up"});
            run_or_throw({"ip", "link", "add", "link", end, "name", "eth0", "type", "macvlan", "mode", "bridge"});
        }
        run_or_throw({"ip", "address", "add", "10.0.0.4/24", "dev", "eth0"});
        run_or_throw({"ip", "link", "set", "eth0", "up"});
        run_or_throw({"ip", "route", "add", "default", "via", "10.0.0.1"});
        if (::write(go[1], "x", 1) != 1) throw std::runtime_error("no host");
        wait_for(ready[0]);
    }
    ~Host() {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
    Host(const Host&) = delete;
    Host& operator=(const Host&) = delete;

private:
    static void wait_for(int pipe) {
        char byte = 0;
        if (::read(pipe, &byte, 1) != 1) throw std::runtime_error("the host's process ended");
    }

    [[noreturn]] static void be_host(int ready, int go, bool answers) {
        try {
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            if (::unshare(CLONE_NEWNET) != 0 || ::write(ready, "x", 1) != 1) ::_exit(1);
            wait_for(go);
            run_or_throw({"ip", "address", "add", "10.0.0.1/24", "dev", "host0"});
            run_or_throw({"ip", "link", "set", "host0", "up"});
            if (answers) run_or_throw({"ip", "address", "add", "168.63.129.16/32", "dev", "host0"});
            const std::jthread other([] { serve(32526); });
            std::jthread confirm([ready] {
                std::this_thread::sleep_for(std::chrono::milliseconds(50));
                if (::write(ready, "x", 1) != 1) ::_exit(1);
            });
            serve(80);
        } catch (const std::exception& error) {
            std::fprintf(stderr, "host: %s\n", error.what());
        }
        ::_exit(1);
    }

    pid_t pid_ = 0;
};

struct Scenario {
    Commands commands;
    bool host_answers = true;
    RunMode mode = RunMode::diagnose;
    bool eth0_is_card = false;
};

std::string all_routes() {
    const auto output = machine::run_command({program("ip"), {"-4", "-details", "route", "show", "table", "all"}});
    return output ? output->out : output.error().message;
}

/// What the child found: by id "state" and "summary"; "seconds"; after a fix, "changes", and the states "after undo".
json::object play(const Scenario& scenario, const std::filesystem::path& state_folder) {
    run_or_throw({"ip", "link", "set", "lo", "up"});
    const Host host(scenario.host_answers, scenario.eth0_is_card);
    for (const auto& command : scenario.commands) run_or_throw(command);
    auto machine = machine::local_machine();
    RunOptions options;
    options.mode = scenario.mode;
    options.allow_security_changes = true;
    options.only = {"guest-firewall-blocks-wire-server",
                    "wire-server-route-missing",
                    "wire-server-unreachable",
                    "duplicate-network-configuration",
                    "dhcp-disabled",
                    "instance-metadata-unreachable",
                    "disk-too-large",
                    "shared-disk"};
    const auto start = std::chrono::steady_clock::now();
    const auto routes = all_routes();
    const auto report = remediations::run(options, machine, state_folder);
    if (!report) throw std::runtime_error(report.error().message);
    json::object found;
    found["seconds"] = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    found["root"] = report->root_cause ? report->root_cause->id : "none";
    for (const auto& outcome : report->outcomes) {
        std::string evidence;
        for (const auto& entry : outcome.finding.evidence) evidence += entry.where + ": " + entry.seen + "\n";
        found[outcome.remediation->id] = {{"state", to_string(outcome.finding.state)},
                                          {"summary", outcome.finding.summary},
                                          {"evidence", evidence},
                                          {"changes", json::value_from(descriptions_of(outcome.changes))}};
    }
    found["routes changed"] = all_routes() != routes;
    if (report->run_id.empty()) return found;
    auto journal = Journal::open(state_folder, report->run_id);
    undo(*journal, machine);
    found["routes as before"] = all_routes() == routes;
    machine.forget_derived();
    options.mode = RunMode::diagnose;
    const auto again = remediations::run(options, machine, state_folder);
    found["after undo"] =
        to_string(again->outcomes.at(0).remediation->id == options.only.at(0) ? again->outcomes.at(0).finding.state
                                                                              : State::unknown);
    for (const auto& outcome : again->outcomes) {
        if (outcome.remediation->id == "wire-server-route-missing") {
            found["route after undo"] = to_string(outcome.finding.state);
        }
        if (outcome.remediation->id == options.only.front()) found["after undo"] = to_string(outcome.finding.state);
    }
    return found;
}

/// Plays it in a process of its own; {"obstacle": why it cannot be played here}.
json::object play_apart(const Scenario& scenario) {
    const tests::TemporaryFolder folder;
    const auto result = folder.path() / "result.json";
    // Debian's iptables is a link into this folder.
    constexpr auto alternatives = "/etc/alternatives";
    constexpr auto links = std::filesystem::copy_options::recursive | std::filesystem::copy_options::copy_symlinks;
    std::filesystem::copy(alternatives, folder.path() / "alternatives", links);
    const auto child = ::fork();
    if (child == 0) {
        json::object found;
        const bool is_apart = ::unshare(CLONE_NEWNET | CLONE_NEWNS) == 0 &&
                              ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                              ::mount("sysfs", "/sys", "sysfs", 0, nullptr) == 0 &&
                              ::mount("tmpfs", "/etc", "tmpfs", 0, nullptr) == 0;
        if (!is_apart) {
            found["obstacle"] = std::string("no network and mounts of its own: ") + std::strerror(errno);
        } else {
            try {
                std::filesystem::copy(folder.path() / "alternatives", alternatives, links);
                // What makes this a VM in Azure, whatever computer the test runs on.
                std::ofstream("/etc/waagent.conf") << "Extensions.Enabled=y\n";
                found = play(scenario, folder.path() / "state");
            } catch (const std::exception& error) {
                found["obstacle"] = error.what();
            }
        }
        std::ofstream(result) << json::value(found);
        ::_exit(0);
    }
    ::waitpid(child, nullptr, 0);
    std::ifstream file(result);
    std::stringstream text;
    text << file.rdbuf();
    return text.str().empty() ? json::object{{"obstacle", "the process ended early"}}
                              : json::parse(text.str()).as_object();
}

class BlockedWireServer : public testing::Test {
protected:
    void SetUp() override {
        if (::geteuid() != 0) GTEST_SKIP() << "only root can make a network";
        if (program("ip").empty()) GTEST_SKIP() << "ip (iproute2) is not installed";
    }

    void play(const Scenario& scenario) {
        for (const auto& command : scenario.commands) {
            if (program(command.front()).empty()) GTEST_SKIP() << command.front() << " is not installed";
        }
        found_ = play_apart(scenario);
        if (const auto* obstacle = found_.if_contains("obstacle")) GTEST_SKIP() << obstacle->as_string();
        if (scenario.mode == RunMode::diagnose) {
            EXPECT_LT(found_["seconds"].as_double(), 20.0) << "each wait has an end, whatever happens to packets";
        }
    }

    std::string of(const std::string& id, const char* what) {
        const auto* entry = found_.if_contains(id);
        return entry ? std::string(entry->at(what).as_string()) : "not looked at";
    }

    json::object found_;
};

TEST_F(BlockedWireServer, NothingBlocksIt) {
    play({});
    if (IsSkipped()) return;
    for (const auto* id :
         {"guest-firewall-blocks-wire-server", "wire-server-route-missing", "wire-server-unreachable"}) {
        EXPECT_EQ(of(id, "state"), "healthy") << of(id, "summary");
    }
}

TEST_F(BlockedWireServer, NftDropsAndTheFixLetsThrough) {
    const Commands drop{
        {"nft", "add table inet office"},
        {"nft", "add chain inet office out { type filter hook output priority 10; }"},
        {"nft", "add rule inet office out oif lo accept"},
        {"nft", "add rule inet office out ip daddr 168.63.0.0/16 tcp dport { 80, 32526 } counter drop"}};
    play({drop});
    if (IsSkipped()) return;
    EXPECT_EQ(found_["root"].as_string(), "guest-firewall-blocks-wire-server");
    EXPECT_EQ(of("guest-firewall-blocks-wire-server", "state"), "broken");
    EXPECT_THAT(of("guest-firewall-blocks-wire-server", "evidence"),
                HasSubstr("nft inet office out: ip daddr 168.63.0.0/16 tcp dport { 80, 32526 } counter packets"));
    EXPECT_EQ(of("wire-server-unreachable", "state"), "needs-operator");
    play({.commands = drop, .mode = RunMode::fix});
    EXPECT_EQ(of("guest-firewall-blocks-wire-server", "state"), "fixed") << found_;
    EXPECT_EQ(of("wire-server-unreachable", "state"), "fixed");
    EXPECT_EQ(found_["after undo"].as_string(), "broken");
}

TEST_F(BlockedWireServer, NftRejects) {
    play(
        {{{"nft", "add table ip office"},
          {"nft", "add chain ip office own"},
          {"nft", "add chain ip office out { type filter hook output priority 0; policy drop; }"},
          {"nft", "add rule ip office own tcp flags & (fin|syn|rst|ack) == syn reject with icmp type admin-prohibited"},
          {"nft", "add rule ip office out ip daddr 168.63.129.16 jump own"},
          {"nft", "add rule ip office out accept"}}});
    if (IsSkipped()) return;
    EXPECT_EQ(of("guest-firewall-blocks-wire-server", "state"), "broken");
    EXPECT_THAT(of("guest-firewall-blocks-wire-server", "summary"), HasSubstr("rejects"));
    EXPECT_THAT(of("guest-firewall-blocks-wire-server", "evidence"), HasSubstr("nft ip office own"));
}

TEST_F(BlockedWireServer, NftPolicyDropsWhatNothingAccepts) {
    play({.commands = {{"nft", "add table inet office"},
                       {"nft", "add chain inet office out { type filter hook output priority 0; policy drop; }"},
                       {"nft", "add rule inet office out tcp dport 443 accept"}},
          .mode = RunMode::fix});
    if (IsSkipped()) return;
    EXPECT_EQ(of("guest-firewall-blocks-wire-server", "state"), "fixed") << found_;
}

TEST_F(BlockedWireServer, TheGuestAgentsOwnRuleIsNotBlamed) {
    play({.commands = {{"nft", "add table ip walinuxagent"},
                       {"nft",
                        "add chain ip walinuxagent output { type filter hook output priority 0 ; policy accept ; }"},
                       {"nft",
                        "add rule ip walinuxagent output ip daddr 168.63.129.16 tcp dport != 53 skuid != 0 ct state "
                        "invalid,new counter drop"}},
          .host_answers = false});
    if (IsSkipped()) return;
    EXPECT_EQ(of("guest-firewall-blocks-wire-server", "state"), "healthy");
    EXPECT_EQ(of("wire-server-unreachable", "state"), "needs-operator");
}

TEST_F(BlockedWireServer, IptablesRejects) {
    play({{{"iptables", "-A", "OUTPUT", "-d", "168.63.129.16", "-p", "tcp", "-m", "multiport", "--dports", "80,32526",
            "-j", "REJECT", "--reject-with", "tcp-reset"}}});
    if (IsSkipped()) return;
    EXPECT_EQ(of("guest-firewall-blocks-wire-server", "state"), "broken");
    EXPECT_THAT(of("wire-server-unreachable", "summary"), HasSubstr("refused"));
    EXPECT_THAT(of("guest-firewall-blocks-wire-server", "evidence"), HasSubstr("iptables filter OUTPUT: -A OUTPUT"));
}

TEST_F(BlockedWireServer, IptablesDropsAndTheFixLetsThrough) {
    play({.commands = {{"iptables", "-t", "security", "-A", "OUTPUT", "-d", "168.63.129.16/32", "-j", "DROP"},
                       {"iptables", "-N", "own"},
                       {"iptables", "-A", "own", "-p", "tcp", "-j", "DROP"},
                       {"iptables", "-A", "OUTPUT", "-o", "eth+", "-g", "own"}},
          .mode = RunMode::fix});
    if (IsSkipped()) return;
    EXPECT_EQ(of("guest-firewall-blocks-wire-server", "state"), "fixed") << found_;
    EXPECT_EQ(found_["after undo"].as_string(), "broken");
}

TEST_F(BlockedWireServer, ARouteSaysUnreachable) {
    for (const auto* type : {"unreachable", "blackhole", "prohibit"}) {
        play({{{"ip", "route", "add", type, "168.63.129.16"}}});
        if (IsSkipped()) return;
        EXPECT_EQ(found_["root"].as_string(), "wire-server-route-missing") << type;
        EXPECT_EQ(of("wire-server-route-missing", "state"), "needs-operator") << type;
        EXPECT_EQ(of("guest-firewall-blocks-wire-server", "state"), "healthy") << type;
    }
}

TEST_F(BlockedWireServer, NoRouteAtAll) {
    play({{{"ip", "route", "delete", "default"}}});
    if (IsSkipped()) return;
    EXPECT_EQ(found_["root"].as_string(), "wire-server-route-missing");
    EXPECT_THAT(of("wire-server-route-missing", "evidence"), HasSubstr("no default route"));
}

TEST_F(BlockedWireServer, ATunnelSwallowsPackets) {
    play({{{"ip", "link", "add", "vpn0", "type", "veth", "peer", "name", "nowhere"},
           {"ip", "link", "set", "nowhere", "up"},
           {"ip", "link", "set", "vpn0", "up"},
           {"ip", "address", "add", "10.8.0.2/24", "dev", "vpn0"},
           {"ip", "route", "add", "168.0.0.0/8", "dev", "vpn0"}}});
    if (IsSkipped()) return;
    EXPECT_EQ(found_["root"].as_string(), "wire-server-route-missing");
    EXPECT_THAT(of("wire-server-route-missing", "summary"), HasSubstr("vpn0"));
}

/// Ways to lose the route on a VM whose eth0 is a network card: the fix finds the way again, and undo the loss.
TEST_F(BlockedWireServer, ALostRouteIsFoundAgain) {
    const std::pair<const char*, Commands> losses[] = {
        {"blackhole", {{"ip", "route", "add", "blackhole", "168.63.129.16"}}},
        {"unreachable", {{"ip", "route", "add", "unreachable", "168.63.129.16", "metric", "50"}}},
        {"prohibited with all around it", {{"ip", "route", "add", "prohibit", "168.63.0.0/16"}}},
        {"no default route", {{"ip", "route", "delete", "default"}}},
        {"a tunnel",
         {{"ip", "link", "add", "vpn0", "type", "veth", "peer", "name", "nowhere"},
          {"ip", "link", "set", "nowhere", "up"},
          {"ip", "link", "set", "vpn0", "up"},
          {"ip", "address", "add", "10.8.0.2/24", "dev", "vpn0"},
          {"ip", "route", "add", "0.0.0.0/1", "dev", "vpn0"},
          {"ip", "route", "add", "128.0.0.0/1", "dev", "vpn0"}}},
    };
    for (const auto& [name, commands] : losses) {
        play({.commands = commands, .eth0_is_card = true});
        if (IsSkipped()) return;
        EXPECT_EQ(found_["root"].as_string(), "wire-server-route-missing") << name;
        EXPECT_EQ(of("wire-server-route-missing", "state"), "broken") << name;
        play({.commands = commands, .mode = RunMode::fix, .eth0_is_card = true});
        EXPECT_EQ(of("wire-server-route-missing", "state"), "fixed") << name << ": " << found_;
        EXPECT_EQ(of("wire-server-unreachable", "state"), "fixed") << name;
        EXPECT_TRUE(found_["routes changed"].as_bool()) << name;
        EXPECT_TRUE(found_["routes as before"].as_bool()) << name << ": after undo";
        EXPECT_EQ(found_["route after undo"].as_string(), "broken") << name;
    }
}

TEST_F(BlockedWireServer, ARouteThatDoesNotHelpIsTakenBack) {
    play({.commands = {{"ip", "route", "add", "blackhole", "168.63.129.16"}},
          .host_answers = false,
          .mode = RunMode::fix,
          .eth0_is_card = true});
    if (IsSkipped()) return;
    EXPECT_EQ(of("wire-server-route-missing", "state"), "broken") << found_;
    EXPECT_FALSE(found_["routes changed"].as_bool());
}

TEST_F(BlockedWireServer, UnusualRoutesThatLeadThereStay) {
    const std::pair<const char*, Commands> ways[] = {
        {"its own host route",
         {{"ip", "route", "add", "168.63.129.16", "via", "10.0.0.1", "dev", "eth0", "metric", "7"}}},
        {"directly on the card", {{"ip", "route", "add", "168.63.129.16", "dev", "eth0"}}},
        {"a table of its own",
         {{"ip", "route", "add", "blackhole", "168.63.129.16"},
          {"ip", "route", "add", "168.63.129.16", "via", "10.0.0.1", "dev", "eth0", "table", "100"},
          {"ip", "rule", "add", "to", "168.63.129.16", "lookup", "100"}}},
    };
    for (const auto& [name, commands] : ways) {
        play({.commands = commands, .mode = RunMode::fix, .eth0_is_card = true});
        if (IsSkipped()) return;
        EXPECT_EQ(of("wire-server-route-missing", "state"), "healthy") << name << ": " << found_;
        EXPECT_FALSE(found_["routes changed"].as_bool()) << name;
    }
}

TEST_F(BlockedWireServer, SomethingOutsideTheVmDropsPackets) {
    play({.commands = {}, .host_answers = false});
    if (IsSkipped()) return;
    EXPECT_EQ(of("guest-firewall-blocks-wire-server", "state"), "healthy");
    EXPECT_EQ(of("wire-server-unreachable", "state"), "needs-operator");
    EXPECT_THAT(of("wire-server-unreachable", "summary"), HasSubstr("Nothing answers"));
}

}  // namespace
}  // namespace remediations::blocked_wire_server_linux_test
