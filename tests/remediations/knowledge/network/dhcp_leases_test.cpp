#include "remediations/knowledge/network/dhcp_leases.hpp"

#include <gtest/gtest.h>

namespace remediations::dhcp_leases_test {
namespace {

TEST(DhcpLease, OfSystemdAndNetworkManager) {
    const auto lease = parse_dhcp_lease(
        "# This is private data. Do not parse.\nADDRESS=10.0.0.4\nNETMASK=255.255.255.0\nROUTER=10.0.0.1,10.0.0.2\n"
        "SERVER_ADDRESS=168.63.129.16\nDNS=168.63.129.16\n");
    EXPECT_EQ(lease.address, "10.0.0.4");
    EXPECT_EQ(lease.router, "10.0.0.1");
}

TEST(DhcpLease, OfDhclientTheNewestIsLast) {
    const auto lease = parse_dhcp_lease(
        "lease {\n  interface \"eth0\";\n  fixed-address 10.0.0.9;\n  option routers 10.0.0.1;\n}\n"
        "lease {\n  interface \"eth0\";\n  fixed-address 10.0.1.4;\n  option subnet-mask 255.255.255.0;\n"
        "  option dhcp-server-identifier 168.63.129.16;\n}\n");
    EXPECT_EQ(lease.address, "10.0.1.4");
    EXPECT_EQ(lease.router, "") << "that of an older lease";
}

TEST(DhcpLease, WhatIsNoAddressIsNone) {
    for (const auto* text : {"", "ADDRESS", "ADDRESS=", "ADDRESS=host.example", "ADDRESS=10.0.0.4.5",
                             "XADDRESS=10.0.0.4", "ADDRESS=$(reboot)", "lease {", "fixed-address6 ::1;"}) {
        EXPECT_EQ(parse_dhcp_lease(text).address, "") << text;
    }
}

}  // namespace
}  // namespace remediations::dhcp_leases_test
