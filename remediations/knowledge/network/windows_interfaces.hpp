#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "remediations/machine/machine.hpp"

namespace remediations {

/// How Windows has configured IPv4 on one network interface, from the registry.
struct WindowsInterface {
    std::string key;                     ///< HKLM\SYSTEM\CurrentControlSet\Services\Tcpip\Parameters\Interfaces\{...}
    std::string name;                    ///< as the user sees it: "Ethernet"; empty where it has none
    bool uses_dhcp = true;               ///< EnableDHCP
    std::vector<std::string> addresses;  ///< fixed ones in the order they were entered, or the leased one
    std::string dhcp_server;             ///< 168.63.129.16 in Azure; empty without a lease
    /// Address of the platform that DHCP gave (option 245); nullopt where the lease has none.
    std::optional<std::string> platform_address;

    /// Windows keeps the settings of cards that are gone.
    bool has_address() const { return !addresses.empty(); }
};

/// Those with an address, in the order of the registry. ErrorKind::not_found without TCP/IP.
machine::Result<std::vector<WindowsInterface>> windows_interfaces(const machine::Machine& machine);

/// Understands DhcpInterfaceOptions: for each option its number, 0, its length, 0, when it expires, and its content,
/// all in multiples of four bytes. What does not fit ends it.
std::map<std::uint32_t, std::vector<std::uint8_t>> parse_dhcp_options(const std::vector<std::uint8_t>& bytes);

}  // namespace remediations
