#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "remediations/machine/machine.hpp"

namespace remediations {

/// What a DHCP client of Linux keeps of the newest lease of an interface.
struct DhcpLease {
    std::string address;  ///< IPv4, the interface's own
    std::string router;   ///< IPv4; empty where the server named none. Azure names one to the primary card alone.
    machine::Path file;
};

/// Understands the files of systemd-networkd and NetworkManager ("ADDRESS=..."), and of dhclient ("lease { ... }", the
/// newest last). Empty text in `address` where it holds no lease.
DhcpLease parse_dhcp_lease(std::string_view text);

/// Of all clients that are known here; those that cannot be read are left out.
std::vector<DhcpLease> dhcp_leases(const machine::Machine& machine);

}  // namespace remediations
