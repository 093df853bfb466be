#include "remediations/machine/machine.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "bench.hpp"

#include <windows.h>

namespace machine {
namespace {

using std::chrono::milliseconds;
using testing::Contains;
using testing::HasSubstr;
using testing::StartsWith;

class WindowsMachine : public testing::Test {
protected:
    Machine machine = local_machine();
};

TEST_F(WindowsMachine, KnowsTheSystem) {
    const auto& facts = machine.facts();
    EXPECT_EQ(facts.platform, Platform::windows);
    EXPECT_THAT(facts.os_name, StartsWith("Microsoft Windows"));  // Wine's ProductName
    EXPECT_THAT(facts.os_version, StartsWith("10.0."));
    EXPECT_EQ(facts.architecture, "x86_64");
    EXPECT_FALSE(facts.host_name.empty());
    EXPECT_EQ(facts.system_drive, "C:");
}

TEST_F(WindowsMachine, ListsItself) {
    const auto processes = machine.processes().list().value();
    const auto self = std::ranges::find(processes, GetCurrentProcessId(), &Process::pid);
    ASSERT_NE(self, processes.end());
    EXPECT_EQ(self->name, "test-windows.exe");
    EXPECT_LE(self->started, std::chrono::system_clock::now());
    EXPECT_GE(self->started, std::chrono::system_clock::now() - std::chrono::hours(1));
}

TEST_F(WindowsMachine, RunsATool) {
    const TemporaryFolder folder;
    const auto program = bench("echo_arguments.exe").make_preferred().string();
    const auto output = machine.processes().query({program, {folder.file("out"), "3", "two words", "a\"b\\"}}).value();
    EXPECT_EQ(output.exit_code, 3);
    EXPECT_THAT(output.out, HasSubstr("two words\na\"b\\\n"));
    EXPECT_EQ(machine.processes().query({"C:\\absent.exe", {}}).error().kind, ErrorKind::not_found);
    const auto hanging = bench("test_service.exe").make_preferred().string();
    EXPECT_EQ(machine.processes().query({hanging, {"hold"}, milliseconds(300)}).error().kind, ErrorKind::timed_out);
}

TEST_F(WindowsMachine, ListsTheFixedDrives) {
    const auto mounts = machine.mounts().list().value();
    const auto drive = std::ranges::find(mounts, "C:\\", &Mount::target);
    ASSERT_NE(drive, mounts.end());
    EXPECT_FALSE(drive->type.empty());
    EXPECT_THAT(drive->options, Contains("rw"));
}

TEST_F(WindowsMachine, CannotChangeAMount) {
    EXPECT_EQ(machine.mounts().remount("C:\\", "exec").error().kind, ErrorKind::unsupported);
    EXPECT_EQ(machine.mounts().thaw("C:\\").error().kind, ErrorKind::unsupported);
    EXPECT_EQ(machine.services().set_restarts("RpcSs", true).error().kind, ErrorKind::unsupported);
}

TEST_F(WindowsMachine, KnowsItsAddresses) {
    const auto& network = machine.network();
    EXPECT_EQ(network.source_address("127.0.0.1").value(), "127.0.0.1");
    EXPECT_EQ(network.source_address("localhost").error().kind, ErrorKind::invalid);
    const auto interfaces = network.interfaces();
    ASSERT_TRUE(interfaces) << interfaces.error().message;
    const auto loopback = std::ranges::find_if(
        *interfaces, [](const auto& one) { return std::ranges::count(one.addresses, "127.0.0.1") == 1; });
    ASSERT_NE(loopback, interfaces->end());
    EXPECT_EQ(loopback->mac, "");
    EXPECT_TRUE(loopback->up);
}

TEST_F(WindowsMachine, TellsConnectionsApart) {
    // run starts these tests in a network of their own, where nobody listens but us.
    const auto refused = machine.network().get({.host = "127.0.0.1", .port = 9, .path = "/", .headers = {}});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, ErrorKind::refused) << refused.error().message;
    const auto unrouted = machine.network().get({.host = "192.0.2.1", .port = 80, .path = "/", .headers = {}});
    ASSERT_FALSE(unrouted);
    EXPECT_EQ(unrouted.error().kind, ErrorKind::unreachable) << unrouted.error().message;
}

TEST_F(WindowsMachine, ResolvesNames) {
    EXPECT_THAT(machine.network().resolve("localhost", milliseconds(5000)).value(), Contains("127.0.0.1"));
    const auto absent = machine.network().resolve("no-such-host.invalid", milliseconds(5000));
    ASSERT_FALSE(absent);
    EXPECT_THAT(absent.error().message, HasSubstr("no-such-host.invalid"));
}

}  // namespace
}  // namespace machine
