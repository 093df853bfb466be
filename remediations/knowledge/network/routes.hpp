#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "remediations/machine/machine.hpp"

namespace remediations {

/// An IPv4 route of the main table, as /proc/net/route has it. Addresses in host byte order.
struct Route {
    std::string interface;
    std::uint32_t destination = 0;
    std::uint32_t mask = 0;
    std::uint32_t gateway = 0;  ///< 0: directly on the interface
    bool up = false;
    bool rejects = false;  ///< type unreachable, prohibit, blackhole or throw
    std::string text;      ///< "168.63.129.16/32 via 10.0.0.1 dev eth0"

    bool is_default() const { return mask == 0; }
};

/// Understands /proc/net/route; lines that are no route are left out.
std::vector<Route> parse_routes(std::string_view text);

machine::Result<std::vector<Route>> routes_of(const machine::Machine& machine);

/// What an interface of this machine is made of.
enum class InterfaceKind {
    hardware,  ///< a network card, or built upon one: a bond, bridge or VLAN
    software,  ///< a tunnel, a dummy, the loopback
    unknown,
};
InterfaceKind kind_of_interface(const machine::Machine& machine, const std::string& name);

/// The interface that has this address; nullptr when none has.
const machine::NetworkInterface* interface_with(const std::vector<machine::NetworkInterface>& interfaces,
                                                const std::string& address);

}  // namespace remediations
