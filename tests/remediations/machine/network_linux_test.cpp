#include "remediations/machine/linux/network_linux.hpp"

#include <gmock/gmock.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>
#include <filesystem>
#include <functional>
#include <thread>

#include "remediations/machine/linux/resolver.hpp"
#include "remediations/machine/run_command.hpp"

namespace machine::local::network_linux_test {
namespace {

using namespace std::chrono_literals;
using boost::asio::ip::udp;
using testing::HasSubstr;
using testing::UnorderedElementsAre;
using Clock = std::chrono::steady_clock;

/// A name server on the loopback address. `answer` makes a reply out of a query; empty is silence.
class NameServer {
public:
    using Answer = std::function<std::string(std::string query)>;

    explicit NameServer(Answer answer)
        : thread_([this, answer = std::move(answer)] {
              while (true) {
                  std::string query(512, '\0');
                  udp::endpoint peer;
                  query.resize(socket_.receive_from(boost::asio::buffer(query), peer));
                  if (query == "stop") {
                      return;
                  }
                  if (const std::string reply = answer(query); !reply.empty()) {
                      socket_.send_to(boost::asio::buffer(reply), peer);
                  }
              }
          }) {}
    ~NameServer() {
        udp::socket(context_, udp::v4()).send_to(boost::asio::buffer("stop", 4), socket_.local_endpoint());
        thread_.join();
    }

    std::string address() const { return "127.0.0.1:" + std::to_string(socket_.local_endpoint().port()); }

private:
    boost::asio::io_context context_;
    udp::socket socket_{context_, {boost::asio::ip::address_v4::loopback(), 0}};
    std::thread thread_;
};

/// The query turned into a reply with this response code and these answer records (RFC 1035).
std::string reply_to(std::string query, int code, const std::string& record = {}) {
    query[2] = static_cast<char>(0x81);         // a response, recursion desired
    query[3] = static_cast<char>(0x80 | code);  // recursion available
    query[7] = static_cast<char>(record.empty() ? 0 : 1);
    query[11] = 0;  // without the query's EDNS record
    const std::size_t question_end = query.find('\0', 12) + 5;
    return query.substr(0, question_end) + record;
}

bool asks_for_ipv4(const std::string& query) {
    return query[query.find('\0', 12) + 2] == 1;
}

/// An A or AAAA record for the name in the question.
std::string address_record(const std::string& address) {
    const char type = address.size() == 4 ? 1 : 28;
    return std::string("\xc0\x0c\0", 3) + type + std::string("\0\x01\0\0\0\x3c\0", 7) +
           static_cast<char>(address.size()) + address;
}

TEST(Resolver, FindsAddressesOfBothFamilies) {
    const NameServer server([](const std::string& query) {
        const std::string ipv4("\xc0\x00\x02\x07", 4);
        const std::string ipv6("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01", 16);
        return reply_to(query, 0, address_record(asks_for_ipv4(query) ? ipv4 : ipv6));
    });
    const auto addresses = resolve_host("vm.example", 20s, server.address());
    ASSERT_TRUE(addresses) << addresses.error().message;
    EXPECT_THAT(*addresses, UnorderedElementsAre("192.0.2.7", "2001:db8::1"));
}

TEST(Resolver, KnowsAddressesAndTheLocalHost) {
    EXPECT_THAT(*resolve_host("192.0.2.1", 20s), UnorderedElementsAre("192.0.2.1"));
    EXPECT_THAT(*resolve_host("localhost", 20s), testing::Contains("127.0.0.1"));
}

TEST(Resolver, TellsWhyItHasNone) {
    const auto kind_for_code = [](int code) {
        const NameServer server([code](const std::string& query) { return reply_to(query, code); });
        const auto addresses = resolve_host("vm.example", 20s, server.address());
        EXPECT_THAT(addresses.error().message, HasSubstr("vm.example"));
        return addresses.error().kind;
    };
    EXPECT_EQ(kind_for_code(3), ErrorKind::not_found);  // no such name
    EXPECT_EQ(kind_for_code(0), ErrorKind::not_found);  // a name without addresses
    EXPECT_EQ(resolve_host("", 20s).error().kind, ErrorKind::invalid);
    EXPECT_FALSE(resolve_host(std::string(300, 'x'), 2s, "127.0.0.1:1"));
    EXPECT_FALSE(resolve_host("vm.example", 20s, "not an address"));
}

TEST(Resolver, GivesUpOnASilentServerAtTheDeadline) {
    const NameServer server([](const std::string&) { return std::string(); });
    const auto start = Clock::now();
    const auto addresses = resolve_host("vm.example", 400ms, server.address());
    EXPECT_EQ(addresses.error().kind, ErrorKind::timed_out);
    EXPECT_LT(Clock::now() - start, 3s);
}

TEST(Resolver, AsksTheNextServerInTime) {
    const NameServer silent([](const std::string&) { return std::string(); });
    const NameServer good([](const std::string& query) {
        return reply_to(query, 0, asks_for_ipv4(query) ? address_record(std::string("\xc0\x00\x02\x07", 4)) : "");
    });
    const auto addresses = resolve_host("vm.example", 3s, silent.address() + "," + good.address());
    ASSERT_TRUE(addresses) << addresses.error().message;
    EXPECT_THAT(*addresses, UnorderedElementsAre("192.0.2.7"));
}

TEST(Resolver, SurvivesHostileAnswers) {
    for (const std::string& tail : {std::string(), std::string("\xc0"), std::string(400, '\xc0'),
                                    std::string("\xc0\x0c\0\x01\0\x01\0\0\0\x3c\xff\xff", 12)}) {
        const NameServer server([&tail](std::string query) {
            query[2] = static_cast<char>(0x81);
            query[3] = static_cast<char>(0x80);
            query[7] = 7;  // more records than there are
            return query.substr(0, query.find('\0', 12) + 5) + tail;
        });
        const auto addresses = resolve_host("vm.example", 1s, server.address());
        EXPECT_FALSE(addresses);
    }
}

TEST(Resolver, TellsAServerThatIsNotThere) {
    std::string address;
    {
        address = NameServer([](const std::string&) { return std::string(); }).address();
    }
    const auto addresses = resolve_host("vm.example", 2s, address);
    EXPECT_THAT(addresses.error().kind, testing::AnyOf(ErrorKind::unreachable, ErrorKind::timed_out));
}

/// Runs `question` in a network of its own that has no route; gives back what it returned.
int without_network(const std::function<int()>& question) {
    const pid_t child = ::fork();
    if (child == 0) {
        ::_exit(::unshare(CLONE_NEWNET) == 0 ? question() : 255);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WEXITSTATUS(status);
}

TEST(LinuxNetwork, TellsThatThereIsNoRoute) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "only root can make a network without routes";
    }
    const int probed = without_network([] {
        const auto answer = LinuxNetwork().get({.host = "192.0.2.1", .port = 80, .path = "/", .headers = {}});
        return answer ? 254 : static_cast<int>(answer.error().kind);
    });
    ASSERT_NE(probed, 255) << "this container may not make a network";
    EXPECT_EQ(probed, static_cast<int>(ErrorKind::unreachable));
    const int resolved = without_network([] {
        const auto addresses = resolve_host("vm.example", 2s, "192.0.2.1");
        return addresses ? 254 : static_cast<int>(addresses.error().kind);
    });
    EXPECT_EQ(resolved, static_cast<int>(ErrorKind::unreachable));
}

TEST(LinuxNetwork, KnowsItsLoopback) {
    EXPECT_EQ(*LinuxNetwork().source_address("127.0.0.9"), "127.0.0.1");
    EXPECT_EQ(LinuxNetwork().source_address("localhost").error().kind, ErrorKind::invalid);
    EXPECT_EQ(LinuxNetwork().source_address("").error().kind, ErrorKind::invalid);
    const auto interfaces = LinuxNetwork().interfaces();
    ASSERT_TRUE(interfaces) << interfaces.error().message;
    const auto loopback = std::ranges::find(*interfaces, "lo", &NetworkInterface::name);
    ASSERT_NE(loopback, interfaces->end());
    EXPECT_EQ(loopback->mac, "");
}

/// `ip` with these words, in the network of the calling thread.
bool ip(std::vector<std::string> words) {
    const auto output = run_command({"/usr/sbin/ip", std::move(words)});
    return output && output->exit_code == 0;
}

TEST(LinuxNetwork, FollowsTheRoutingTable) {
    if (::geteuid() != 0 || !std::filesystem::exists("/usr/sbin/ip")) {
        GTEST_SKIP() << "only root can make a network, with ip of iproute2";
    }
    bool made = false;
    // A thread's network is its own; sockets and processes that it makes are in it.
    std::thread([&made] {
        made = ::unshare(CLONE_NEWNET) == 0 &&
               ip({"link", "add", "one", "address", "02:00:5E:00:53:01", "type", "veth", "peer", "name", "two"}) &&
               ip({"address", "add", "10.9.8.7/24", "dev", "one"}) &&
               ip({"address", "add", "10.9.8.6/24", "dev", "one"});
        if (!made) {
            return;
        }
        const LinuxNetwork network;
        EXPECT_EQ(network.source_address("168.63.129.16").error().kind, ErrorKind::unreachable);
        auto interfaces = network.interfaces().value();
        auto one = std::ranges::find(interfaces, "one", &NetworkInterface::name);
        EXPECT_EQ(*one, (NetworkInterface{"one", "02:00:5e:00:53:01", false, {"10.9.8.7", "10.9.8.6"}}));

        EXPECT_TRUE(ip({"link", "set", "one", "up"}) && ip({"link", "set", "two", "up"}) &&
                    ip({"route", "add", "default", "via", "10.9.8.1"}));
        EXPECT_EQ(*network.source_address("168.63.129.16"), "10.9.8.7");
        interfaces = network.interfaces().value();
        one = std::ranges::find(interfaces, "one", &NetworkInterface::name);
        EXPECT_TRUE(one->up);
        EXPECT_THAT(one->addresses, testing::Contains(HasSubstr("fe80:")));

        for (const char* type : {"unreachable", "prohibit", "blackhole"}) {
            EXPECT_TRUE(ip({"route", "replace", type, "168.63.129.16/32"}));
            EXPECT_EQ(network.source_address("168.63.129.16").error().kind, ErrorKind::unreachable) << type;
        }
    }).join();
    if (!made) {
        GTEST_SKIP() << "this container may not make a network";
    }
}

}  // namespace
}  // namespace machine::local::network_linux_test
