#include "remediations/machine/machine.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <stdexcept>

#include "bench.hpp"

#include <windows.h>

namespace machine::machine_test {
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

/// A process of ours that is waited for, and ended with the test.
class Child {
public:
    explicit Child(const std::filesystem::path& program) {
        STARTUPINFOW start{};
        start.cb = sizeof start;
        auto line = L'"' + program.wstring() + L"\" hold";
        if (!CreateProcessW(nullptr, line.data(), nullptr, nullptr, FALSE, 0, nullptr, nullptr, &start, &info_)) {
            throw std::runtime_error("cannot start " + program.string());
        }
    }
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;
    ~Child() {
        TerminateProcess(info_.hProcess, 0);
        CloseHandle(info_.hProcess);
        CloseHandle(info_.hThread);
    }

    std::uint32_t pid() const { return info_.dwProcessId; }
    bool runs() const { return WaitForSingleObject(info_.hProcess, 0) == WAIT_TIMEOUT; }

private:
    PROCESS_INFORMATION info_{};
};

TEST_F(WindowsMachine, EndsTheProcessThatWasSeenAndNoOther) {
    const Child child(bench("test_service.exe"));
    const auto list = machine.processes().list().value();
    const auto seen = std::ranges::find(list, child.pid(), &Process::pid);
    ASSERT_NE(seen, list.end());
    const auto another = machine.processes().end(child.pid(), seen->started - std::chrono::seconds(1));
    ASSERT_FALSE(another);
    EXPECT_EQ(another.error().kind, ErrorKind::refused);
    EXPECT_TRUE(child.runs());
    const auto ended = machine.processes().end(child.pid(), seen->started);
    EXPECT_TRUE(ended) << ended.error().message;
    EXPECT_FALSE(child.runs());
    EXPECT_EQ(machine.processes().end(child.pid(), seen->started).error().kind, ErrorKind::not_found)
        << "it has ended, though its number is still ours";
    EXPECT_EQ(machine.processes().end(0xFFFF'FFF0, seen->started).error().kind, ErrorKind::not_found);
}

TEST_F(WindowsMachine, ListsTheLibrariesOfAProcess) {
    const auto modules = machine.processes().modules(GetCurrentProcessId());
    ASSERT_TRUE(modules) << modules.error().message;
    using testing::EndsWith;
    EXPECT_THAT(modules->front(), EndsWith("test-windows.exe"));
    EXPECT_THAT(*modules, Contains(testing::ResultOf(
                              [](std::string path) {
                                  std::ranges::transform(path, path.begin(),
                                                         [](unsigned char c) { return std::tolower(c); });
                                  return path;
                              },
                              EndsWith("\\system32\\kernel32.dll"))));
    EXPECT_EQ(machine.processes().modules(0).error().kind, ErrorKind::not_found);
    EXPECT_EQ(machine.processes().modules(0xFFFF'FFF0).error().kind, ErrorKind::not_found);
}

TEST_F(WindowsMachine, WmiAnswersOfEveryTypeAreText) {
    const auto system = machine.wmi().query(R"(root\cimv2)", "SELECT * FROM Win32_OperatingSystem");
    ASSERT_TRUE(system) << system.error().message;
    ASSERT_EQ(system->size(), 1U);
    EXPECT_THAT(system->front().at("BuildNumber"), testing::MatchesRegex("\\d+")) << "a text";
    EXPECT_THAT(system->front().at("TotalVisibleMemorySize"), testing::MatchesRegex("\\d+")) << "64 bits";
    EXPECT_THAT(system->front().at("ServicePackMajorVersion"), testing::MatchesRegex("\\d+")) << "16 bits";
    const auto adapters = machine.wmi().query(R"(root\cimv2)", "SELECT * FROM Win32_NetworkAdapterConfiguration");
    ASSERT_TRUE(adapters) << adapters.error().message;
    for (const auto& adapter : *adapters) EXPECT_THAT(adapter.at("IPEnabled"), testing::AnyOf("true", "false"));
}

TEST_F(WindowsMachine, TellsWhyWmiDoesNotAnswer) {
    EXPECT_EQ(machine.wmi().query(R"(root\no such namespace)", "SELECT * FROM x").error().kind, ErrorKind::not_found);
    const auto nonsense = machine.wmi().query(R"(root\cimv2)", "tell me all");
    ASSERT_FALSE(nonsense);
    EXPECT_EQ(nonsense.error().kind, ErrorKind::invalid) << nonsense.error().message;
    EXPECT_THAT(nonsense.error().message, HasSubstr("root\\cimv2"));
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
}  // namespace machine::machine_test
