#include "remediations/knowledge/network/wire_server_route.hpp"

#include <gtest/gtest.h>

#include "remediations/machine/recorded/capture.hpp"
#include "test_data.hpp"
#include "tests/capture_folder.hpp"

namespace remediations::wire_server_route_test {
namespace {

machine::Machine recorded(const std::string& name) {
    const tests::CaptureFolder whole(std::filesystem::path(TEST_DATA "/captures/linux") / name);
    auto loaded = machine::recorded::load(whole.path());
    if (!loaded) throw std::runtime_error(loaded.error().message);
    return std::move(*loaded);
}

std::string route_on(const std::string& capture, const std::string& wanted_card = {}) {
    const auto route = route_to_wire_server(recorded(capture), wanted_card);
    return route ? words_of(*route) : route.error().message;
}

TEST(RouteToWireServer, LeadsThroughTheDefaultRoutesCardFromThePrimaryAddress) {
    EXPECT_EQ(route_on("network/route-into-a-black-hole"), "via 10.0.0.1 dev eth0 proto static src 10.0.0.4");
    EXPECT_EQ(route_on("network/route-into-vpn"), "via 10.0.0.1 dev eth0 proto static src 10.0.0.4");
}

TEST(RouteToWireServer, WithoutADefaultRouteTheSubnetsFirstAddressIsTheRouter) {
    EXPECT_EQ(route_on("network/route-missing-that-can-be-set"), "via 10.0.0.1 dev eth0 proto static");
}

TEST(RouteToWireServer, TheCardWithARouterFromDhcpComesBeforeTheDefaultRoutes) {
    EXPECT_EQ(route_on("network/route-through-the-secondary-card"), "via 10.0.0.1 dev eth0 proto static");
    EXPECT_EQ(card_with_router_from_dhcp(recorded("network/route-through-the-secondary-card")), "eth0");
    EXPECT_EQ(card_with_router_from_dhcp(recorded("network/route-into-vpn")), std::nullopt);
}

TEST(RouteToWireServer, OneOfTwoCardsIsNotGuessed) {
    EXPECT_EQ(route_on("network/route-missing-on-one-of-two-cards"), "which network card leads to Azure's network");
    EXPECT_EQ(route_on("network/route-missing-on-one-of-two-cards", "eth1"), "via 10.0.1.1 dev eth1 proto static");
    EXPECT_EQ(route_on("network/route-missing-on-one-of-two-cards", "eth7"),
              "which network card leads to Azure's network");
}

TEST(RouteToWireServer, ACardWithoutTheAddressThatAzureGaveItIsNone) {
    EXPECT_EQ(route_on("network/route-from-foreign-address"),
              "eth0 does not have 10.0.0.4, the primary address that Azure gave it");
}

}  // namespace
}  // namespace remediations::wire_server_route_test
