#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "remediations/knowledge/network/instance_metadata.hpp"
#include "remediations/knowledge/network/network_configuration.hpp"
#include "remediations/knowledge/network/routes.hpp"
#include "remediations/knowledge/network/snapshot_attempt.hpp"

namespace remediations::network_parsers_test {
namespace {

using Addressing = ConfiguredInterface::Addressing;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

TEST(Routes, OfTheKernel) {
    const auto routes = parse_routes(
        "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
        "eth0\t00000000\t0100000A\t0003\t0\t0\t100\t00000000\t0\t0\t0\n"
        "eth0\t0000000A\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0\n"
        "*\t10813FA8\t00000000\t0201\t0\t0\t0\tFFFFFFFF\t0\t0\t0\n"
        "short\tline\n\neth0\tXXXXXXXX\t0\t0\t0\t0\t0\t0\n");
    ASSERT_THAT(routes, SizeIs(3));
    EXPECT_EQ(routes[0].text, "default via 10.0.0.1 dev eth0");
    EXPECT_TRUE(routes[0].is_default());
    EXPECT_EQ(routes[1].text, "10.0.0.0/24 dev eth0");
    EXPECT_EQ(routes[2].text, "unreachable 168.63.129.16/32");
    EXPECT_TRUE(routes[2].rejects);
}

TEST(InstanceMetadata, OldAndStrangeAnswers) {
    EXPECT_FALSE(parse_instance_metadata(""));
    EXPECT_FALSE(parse_instance_metadata("{\"compute\": []}"));
    EXPECT_FALSE(parse_instance_metadata(std::string(100000, '[')));
    const auto empty = parse_instance_metadata("{\"compute\": {}}");
    ASSERT_TRUE(empty);
    EXPECT_THAT(empty->disks(), IsEmpty());
    const auto odd = parse_instance_metadata(
        R"({"compute": {"name": 5, "storageProfile": {"osDisk": {"diskSizeGB": 30, "managedDisk": null, "vhd": 1},
            "dataDisks": [null, {"lun": "x", "diskSizeGB": "-1", "isSharedDisk": true}, {"lun": "2", "isSharedDisk": "FALSE"}]}},
            "network": {"interface": [{"macAddress": "000D3A11223", "ipv4": {"ipAddress": [{"privateIpAddress": ""}, 7]}}]}})");
    ASSERT_TRUE(odd) << odd.error().message;
    EXPECT_EQ(odd->os_disk->size_gib, 30U);
    EXPECT_FALSE(odd->os_disk->managed);
    ASSERT_THAT(odd->data_disks, SizeIs(3));
    EXPECT_FALSE(odd->data_disks[0].shared);
    EXPECT_EQ(odd->data_disks[1].shared, true);
    EXPECT_EQ(odd->data_disks[1].size_gib, 0U);
    EXPECT_EQ(odd->data_disks[2].shared, false);
    EXPECT_THAT(odd->interfaces.at(0).addresses, IsEmpty());
}

TEST(NetworkConfiguration, Netplan) {
    const auto found = parse_netplan("/etc/netplan/x.yaml",
                                     "# comment\nnetwork:\n  version: 2\n  renderer: networkd\n  ethernets:\n"
                                     "    eth0:\n      dhcp4: no # fixed\n      addresses:\n      - 10.0.0.4/24\n"
                                     "      - \"2001:db8::4/64\"\n"
                                     "      match:\n        macaddress: \"00:0D:3A:11:22:33\"\n      set-name: eth0\n"
                                     "    lan:\n      match: {name: ens*}\n      dhcp4: true\n"
                                     "      addresses: [10.0.0.5/24, '10.0.0.6/24']\n");
    ASSERT_THAT(found, SizeIs(2));
    EXPECT_EQ(found[0].addressing, Addressing::fixed);
    EXPECT_EQ(found[0].line, 9U);
    EXPECT_EQ(found[0].interface, "eth0");
    EXPECT_EQ(found[0].mac, "00:0d:3a:11:22:33");
    EXPECT_THAT(found[0].addresses, ElementsAre("10.0.0.4"));
    EXPECT_EQ(found[1].addressing, Addressing::dhcp) << "further addresses beside DHCP";
    EXPECT_THAT(found[1].addresses, ElementsAre("10.0.0.5", "10.0.0.6"));
}

TEST(NetworkConfiguration, OtherFormats) {
    const auto networkd =
        parse_networkd("x.network", "[Match]\nName=eth*\n[Network]\nDHCP=ipv4\nAddress=10.0.0.9/24\n");
    EXPECT_EQ(networkd.at(0).addressing, Addressing::dhcp);
    EXPECT_EQ(parse_networkd("x", "[Network]\nDHCP=no\nAddress=10.0.0.9/24\n").at(0).addressing, Addressing::fixed);
    EXPECT_EQ(parse_networkd("x", "[Network]\nAddress=fd00::1/64\n").at(0).addressing, Addressing::unset);
    const auto keyfile = parse_networkmanager(
        "x",
        "[connection]\ninterface-name=eth0\n[ethernet]\ncloned-mac-address=00:0D:3A:11:22:33\n[ipv4]\n"
        "address1=10.0.0.4/24,10.0.0.1\nmethod=manual\n[ipv6]\nmethod=auto\n");
    EXPECT_EQ(keyfile.at(0).addressing, Addressing::fixed);
    EXPECT_THAT(keyfile.at(0).addresses, ElementsAre("10.0.0.4"));
    EXPECT_EQ(keyfile.at(0).mac, "00:0d:3a:11:22:33");
    EXPECT_EQ(parse_ifcfg("/x/ifcfg-eth0", "BOOTPROTO=\"dhcp\"\n").at(0).addressing, Addressing::dhcp);
    EXPECT_EQ(parse_ifcfg("/x/ifcfg-eth0", "BOOTPROTO='static'\nIPADDR_0=10.0.0.4\n").at(0).addressing,
              Addressing::fixed);
    EXPECT_EQ(parse_ifcfg("/x/ifcfg-eth0", "BOOTPROTO=none\nMASTER=bond0\n").at(0).addressing, Addressing::unset);
    EXPECT_EQ(parse_ifcfg("/x/ifcfg-eth0", "IPADDR=10.0.0.4\n").at(0).interface, "eth0");
    const auto stanzas =
        parse_interfaces("/etc/network/interfaces",
                         "auto lo\niface lo inet loopback\n\nallow-hotplug eth0\niface eth0 inet static\n"
                         "  address 10.0.0.4/24\n  hwaddress ether 00:0D:3A:11:22:33\niface eth0 inet6 auto\n"
                         "iface eth1 inet dhcp\n");
    ASSERT_THAT(stanzas, SizeIs(2));
    EXPECT_EQ(stanzas[0].addressing, Addressing::fixed);
    EXPECT_EQ(stanzas[0].mac, "00:0d:3a:11:22:33");
    EXPECT_EQ(stanzas[1].addressing, Addressing::dhcp);
}

TEST(NetworkConfiguration, HostileTextEndsInSomeAnswer) {
    std::mt19937 random(7);
    const std::string samples[] = {
        "network:\n  ethernets:\n    eth0:\n      dhcp4: no\n      addresses: [10.0.0.4/24]\n      - x\n",
        "[Match]\nName=eth0\n[Network]\nAddress=10.0.0.4/24\nDHCP=yes\n[ipv4]\nmethod=manual\naddress1=1\n",
        "auto eth0\niface eth0 inet static\naddress 10.0.0.4\nhwaddress ether "
        "00:0d:3a:11:22:33\nBOOTPROTO=none\nIPADDR=\n"};
    for (int round = 0; round < 3000; ++round) {
        for (auto text : samples) {
            for (int change = 0; change < 6; ++change) text[random() % text.size()] = static_cast<char>(random() % 256);
            for (auto* parse : {parse_netplan, parse_networkd, parse_networkmanager, parse_ifcfg, parse_interfaces}) {
                parse("/etc/x", text);
            }
            parse_routes(text);
        }
    }
    for (auto* parse : {parse_netplan, parse_networkd, parse_networkmanager, parse_ifcfg, parse_interfaces}) {
        for (const auto* text : {"", "=", "[", "]", ":", "- ", "iface", "address", "iface a b c", "[=\n=]", "\"'"}) {
            parse("", text);
        }
        parse("/ifcfg-", std::string(1 << 20, ' '));
        parse("x", std::string(1 << 16, '\n'));
    }
}

TEST(StorageHost, OfALogLine) {
    EXPECT_EQ(storage_host_in("index: 0 blobUri: https://md-a1.z27.blob.storage.azure.net:443/x/abcd"),
              "md-a1.z27.blob.storage.azure.net");
    EXPECT_EQ(storage_host_in("index: 0 blobUri: https://"), "");
    EXPECT_EQ(storage_host_in("no address"), "");
    EXPECT_EQ(storage_host_in("blobUri: https://" + std::string(1000, 'a')), "");
    EXPECT_EQ(storage_host_in("blobUri: https://a\r\nHost: b"), "a");
}

}  // namespace
}  // namespace remediations::network_parsers_test
