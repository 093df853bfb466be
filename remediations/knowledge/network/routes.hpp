#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "remediations/machine/machine.hpp"

namespace remediations {

/// An IPv4 route of the main table, from /proc/net/route. Addresses are in host byte order.
struct Route {
    std::string interface;
    std::uint32_t destination = 0;
    std::uint32_t mask = 0;
    std::uint32_t gateway = 0;  ///< 0: directly on the interface
    bool up = false;
    bool rejects = false;  ///< of type unreachable, prohibit, blackhole or throw
    std::string text;      ///< "168.63.129.16/32 via 10.0.0.1 dev eth0"

    bool is_default() const { return mask == 0; }
};

/// Parses /proc/net/route; leaves out lines that are not routes.
std::vector<Route> parse_routes(std::string_view text);

machine::Result<std::vector<Route>> routes_of(const machine::Machine& machine);

/// The kind of a network interface.
enum class InterfaceKind {
    hardware,  ///< a network card, or built on one: a bond, bridge or VLAN
    software,  ///< a tunnel, a dummy interface, the loopback
    unknown,
};
InterfaceKind kind_of_interface(const machine::Machine& machine, const std::string& name);

/// Returns true if the interface has an IPv4 address.
bool has_ipv4(const machine::NetworkInterface& interface);

/// Returns the interface with this address; nullptr where there is none.
const machine::NetworkInterface* interface_with(const std::vector<machine::NetworkInterface>& interfaces,
                                                const std::string& address);

}  // namespace remediations
