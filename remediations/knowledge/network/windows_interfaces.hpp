#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "remediations/machine/machine.hpp"

namespace remediations {

/// The IPv4 settings of one network interface of Windows, from the registry.
struct WindowsInterface {
    std::string key;                     ///< HKLM\SYSTEM\CurrentControlSet\Services\Tcpip\Parameters\Interfaces\{...}
    std::string name;                    ///< the name that the user sees: "Ethernet"; empty where it has none
    bool uses_dhcp = true;               ///< EnableDHCP
    std::vector<std::string> addresses;  ///< the fixed ones in the order in which they were entered, or the leased one
    std::string dhcp_server;             ///< 168.63.129.16 in Azure; empty without a lease
    /// The platform's address from DHCP (option 245); nullopt where the lease has none.
    std::optional<std::string> platform_address;

    /// Returns false for a card without an address: Windows keeps the settings of removed cards.
    bool has_address() const { return !addresses.empty(); }
};

/// Returns the interfaces with an address, in the order of the registry. ErrorKind::not_found without TCP/IP.
machine::Result<std::vector<WindowsInterface>> windows_interfaces(const machine::Machine& machine);

/// Parses DhcpInterfaceOptions: for each option its number, 0, its length, 0, its expiry, and its content, all in
/// multiples of four bytes. Stops at data that does not fit.
std::map<std::uint32_t, std::vector<std::uint8_t>> parse_dhcp_options(const std::vector<std::uint8_t>& bytes);

}  // namespace remediations
