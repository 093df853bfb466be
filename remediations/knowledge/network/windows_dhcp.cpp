#include "remediations/knowledge/network/windows_dhcp.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "remediations/knowledge/network/platform_probes.hpp"
#include "remediations/knowledge/network/windows_interfaces.hpp"

namespace remediations {

namespace {

Evidence evidence_of(const WindowsInterface& interface) {
    const auto name = interface.name.empty() ? std::string("interface") : interface.name;
    return {fmt::format("{} ({})", interface.key, name),
            interface.uses_dhcp ? fmt::format("DHCP, {} from {}, option 245: {}", fmt::join(interface.addresses, " "),
                                              interface.dhcp_server.empty() ? "no server" : interface.dhcp_server,
                                              interface.platform_address.value_or("none"))
                                : fmt::format("fixed: {}", fmt::join(interface.addresses, " ")),
            fmt::format("DHCP, option 245: {}", wire_server_address)};
}

}  // namespace

Finding diagnose_windows_dhcp(const machine::Machine& machine) {
    const auto interfaces = windows_interfaces(machine);
    if (!interfaces) return Finding::unknown("network interfaces in the registry", interfaces.error());
    if (interfaces->empty()) return Finding::not_applicable("No network interface has an address.");
    const auto& wire_server = machine.derived<WireServerProbes>();
    std::vector<Evidence> evidence{wire_server.probes().front().evidence()};
    for (const auto& interface : *interfaces) evidence.push_back(evidence_of(interface));
    const bool any_fixed = !std::ranges::all_of(*interfaces, &WindowsInterface::uses_dhcp);
    if (wire_server.reachable()) {
        return Finding::healthy(any_fixed ? "An address is fixed in Windows, and the platform answers."
                                          : "The VM gets its addresses by DHCP.",
                                std::move(evidence));
    }
    if (const auto error = wire_server.not_looked()) return Finding::unknown(wire_server.failure()->where, *error);
    if (any_fixed) {
        return Finding::needs_operator(
            "An address is fixed in Windows instead of coming from DHCP, and the Azure platform cannot be reached.",
            std::move(evidence),
            "Set the adapter to DHCP, and fix the address in Azure, at the network interface, instead. With several "
            "addresses on one adapter, see that the first one entered is the primary one in Azure. Keep a way into the "
            "VM meanwhile: the serial console.");
    }
    const auto strange = std::ranges::find_if(*interfaces, [](const auto& interface) {
        return interface.platform_address && *interface.platform_address != wire_server_address;
    });
    if (strange != interfaces->end()) {
        return Finding::needs_operator(
            fmt::format("DHCP gave {} as the platform's address, which is {}.", *strange->platform_address,
                        wire_server_address),
            std::move(evidence),
            fmt::format(
                "See which DHCP server answers this VM ({}): another one in the virtual network, on a bridge or "
                "in a nested virtual machine must not. Then run ipconfig /renew.",
                strange->dhcp_server));
    }
    return Finding::healthy("The VM gets its addresses by DHCP.", std::move(evidence));
}

}  // namespace remediations
