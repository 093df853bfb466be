#include "remediations/changes/host_route.hpp"

#include <gmock/gmock.h>

#include <boost/json.hpp>

namespace remediations::host_route_test {
namespace {

using testing::HasSubstr;

TEST(HostRoute, WordsComeBackAsTheyWere) {
    for (const auto* words : {"via 10.0.0.1 dev eth0 proto static src 10.0.0.4", "dev eth0 scope link", "blackhole",
                              "unreachable proto static", "via 10.0.0.1 dev eth0.7@x onlink"}) {
        const auto route = host_route_from(words);
        ASSERT_TRUE(route) << words << ": " << route.error().message;
        EXPECT_EQ(words_of(*route), words);
    }
}

TEST(HostRoute, WhatIpPrintsOfAStateIsNoPartOfTheRoute) {
    EXPECT_EQ(words_of(host_route_from("unicast via 10.0.0.1 dev eth0 dead linkdown ").value()),
              "via 10.0.0.1 dev eth0");
}

TEST(HostRoute, WhatWouldNotComeBackTheSameIsRefusedByName) {
    for (const auto& [words, named] :
         {std::pair("via 10.0.0.1 dev eth0 mtu 1400", "'mtu'"),
          std::pair("proto static nexthop via 10.0.0.1 dev eth0", "'nexthop'"),
          std::pair("via inet6 fe80::1 dev eth0", "'fe80::1'"), std::pair("via 10.0.0.1 dev -batch", "'-batch'"),
          std::pair("via 10.0.0.1 dev a/../b", "'a/../b'"), std::pair("via 10.0.0.1 via 10.0.0.2 dev eth0", "'via'"),
          std::pair("dev eth0 proto --help", "'--help'"), std::pair("dev interface-of-16-x", "interface-of-16-x"),
          std::pair("via 10.0.0.1 dev", "missing"), std::pair("local dev lo", "'local'"),
          std::pair("blackhole dev eth0", "blackhole"), std::pair("", "no interface")}) {
        const auto route = host_route_from(words);
        ASSERT_FALSE(route) << words;
        EXPECT_EQ(route.error().kind, machine::ErrorKind::unsupported);
        EXPECT_THAT(route.error().message, HasSubstr(named)) << words;
    }
}

TEST(HostRoute, SlotOfAJournalThatNamesNoProgramOrAddressAsksNobody) {
    const auto machine = machine::local_machine();
    for (const auto* identity : {R"({"kind":"host-route","program":"ip","address":"168.63.129.16"})",
                                 R"({"kind":"host-route","program":"/usr/sbin/ip","address":"--all"})"}) {
        const auto slot = make_slot(boost::json::parse(identity).as_object());
        ASSERT_TRUE(slot);
        const auto value = (*slot)->read(machine);
        ASSERT_FALSE(value) << identity;
        EXPECT_THAT(value.error().message, HasSubstr("journal:"));
    }
}

TEST(HostRoute, IsDescribedByWhatItReplaces) {
    const auto slot = host_route_slot("/usr/sbin/ip", "168.63.129.16");
    EXPECT_EQ(slot->describe(nullptr, "via 10.0.0.1 dev eth0"), "route 168.63.129.16 via 10.0.0.1 dev eth0");
    EXPECT_EQ(slot->describe("blackhole", "via 10.0.0.1 dev eth0"),
              "route 168.63.129.16 via 10.0.0.1 dev eth0 instead of blackhole");
}

}  // namespace
}  // namespace remediations::host_route_test
