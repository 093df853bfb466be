// Files of the tools that configure the network, leases, routes, and what the metadata service answers; the first byte
// says which.
#include "remediations/knowledge/network/network_configuration.hpp"

#include "remediations/changes/host_route.hpp"
#include "remediations/knowledge/network/dhcp_leases.hpp"
#include "remediations/knowledge/network/instance_metadata.hpp"
#include "remediations/knowledge/network/packet_filter.hpp"
#include "remediations/knowledge/network/routes.hpp"
#include "remediations/machine/ipv4.hpp"
#include "tests/fuzz/input.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace remediations;
    if (size == 0) return 0;
    const auto text = fuzz::text_of(data + 1, size - 1);
    constexpr decltype(&parse_netplan) parsers[] = {parse_netplan, parse_networkd, parse_networkmanager, parse_ifcfg,
                                                    parse_interfaces};
    if (data[0] < std::size(parsers)) {
        (void)parsers[data[0]]("/etc/network", text);
    } else if (data[0] == 'm') {
        (void)parse_instance_metadata(std::string(text));
    } else if (data[0] == 'r') {
        (void)parse_routes(text);
    } else if (data[0] == 'l') {
        const auto lease = parse_dhcp_lease(text);
        fuzz::require(lease.address.empty() || machine::parse_ipv4(lease.address));
        fuzz::require(lease.router.empty() || machine::parse_ipv4(lease.router));
    } else if (data[0] == 'h') {
        const auto route = host_route_from(text);
        fuzz::require(!route || host_route_from(words_of(*route)) == route);
    } else {
        (void)parse_ipv4_network(text);
    }
    return 0;
}
