#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "remediations/changes/slot.hpp"

namespace remediations {

/// A route to one IPv4 address alone, in Linux' main table and with metric 0, so that it comes before every other one
/// there. It lasts until the network is configured anew.
struct HostRoute {
    std::string type = "unicast";  ///< or blackhole, unreachable, prohibit, throw
    std::string gateway = {};      ///< IPv4; empty: directly on the interface
    std::string interface = {};    ///< "eth0"; empty where the type sends nothing
    std::string protocol = {};     ///< who made it, as ip names that: "static", "dhcp"; empty: not known ("boot")
    std::string scope = {};        ///< as ip names it: "link"; empty: global
    std::string source = {};       ///< IPv4 address from which it is used; empty: the kernel's choice
    bool on_link = false;          ///< the gateway need not lie in the interface's subnet

    friend bool operator==(const HostRoute&, const HostRoute&) = default;
};

/// "via 10.0.0.1 dev eth0 proto static src 10.0.0.4", as ip takes it behind the address; "blackhole" for a type that
/// leads nowhere.
std::string words_of(const HostRoute& route);
/// Understands words_of(), and what `ip route show` prints behind the address. ErrorKind::unsupported names the word
/// that is not known here, without which the route would not be the same (several hops, an own MTU).
machine::Result<HostRoute> host_route_from(std::string_view words);

/// Absolute path of ip (iproute2); ErrorKind::not_found where it is not installed.
machine::Result<machine::Path> ip_program(const machine::Machine& machine);

/// Holds the words of the route to the address, null where there is none with metric 0. Read and written with ip.
std::unique_ptr<Slot> host_route_slot(machine::Path ip_program, std::string address);

}  // namespace remediations
