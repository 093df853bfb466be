#include <gmock/gmock.h>
#include <unistd.h>

#include "remediations/machine/linux/os_release.hpp"
#include "remediations/machine/machine.hpp"

namespace machine::local_machine_linux_test {
namespace {

using local::parse_os_release;
using testing::Pair;
using testing::UnorderedElementsAre;

TEST(OsRelease, IsParsed) {
    EXPECT_THAT(parse_os_release("NAME=Fedora\nPRETTY_NAME=\"Ubuntu 22.04.1 LTS\"\nVERSION_ID='9.2'\n"),
                UnorderedElementsAre(Pair("NAME", "Fedora"), Pair("PRETTY_NAME", "Ubuntu 22.04.1 LTS"),
                                     Pair("VERSION_ID", "9.2")));
    EXPECT_THAT(parse_os_release("# A=1\n\n  B=2  \nC=\"a\\\"b\\$c\"\nD='a\\b'\nE=\nF=x\r\nA=1\nA=2"),
                UnorderedElementsAre(Pair("B", "2"), Pair("C", "a\"b$c"), Pair("D", "a\\b"), Pair("E", ""),
                                     Pair("F", "x"), Pair("A", "2")));
}

TEST(OsRelease, HostileTextIsPassedOver) {
    EXPECT_TRUE(parse_os_release("").empty());
    EXPECT_TRUE(parse_os_release("=\n=x\nno assignment\n   \n\n\\").empty());
    EXPECT_THAT(parse_os_release("A=\"never closed\nB='\nC=\\"),
                UnorderedElementsAre(Pair("A", "never closed"), Pair("B", ""), Pair("C", "\\")));
}

TEST(LocalMachine, KnowsItself) {
    const Machine machine = local_machine();
    EXPECT_EQ(machine.facts().platform, Platform::linux);
    EXPECT_FALSE(machine.facts().os_name.empty());
    EXPECT_THAT(machine.facts().architecture, testing::AnyOf("x86_64", "aarch64"));
    EXPECT_FALSE(machine.facts().host_name.empty());
    EXPECT_EQ(machine.registry().value("HKLM\\SOFTWARE", "x").error().kind, ErrorKind::unsupported);
    EXPECT_TRUE(machine.files().read("/proc/self/stat"));
    EXPECT_EQ(machine.processes().query({"/bin/echo", {"x"}})->out, "x\n");
    EXPECT_EQ(machine.services().find("no-such-service").error().kind, ErrorKind::not_found);
    EXPECT_FALSE(machine.services().find("../../../bin/true"));
}

}  // namespace
}  // namespace machine::local_machine_linux_test
