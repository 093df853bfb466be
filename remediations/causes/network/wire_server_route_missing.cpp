#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "remediations/knowledge/network/azure_vm.hpp"
#include "remediations/knowledge/network/instance_metadata.hpp"
#include "remediations/knowledge/network/packet_filter.hpp"
#include "remediations/knowledge/network/platform_probes.hpp"
#include "remediations/knowledge/network/routes.hpp"
#include "remediations/machine/ipv4.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::wire_server_route_missing {

using machine::Machine;

namespace {

std::vector<Evidence> routes_for_wire_server(const Machine& machine) {
    const auto routes = routes_of(machine);
    if (!routes) return {{"/proc/net/route", routes.error().message, "a route"}};
    const auto address = *machine::parse_ipv4(wire_server_address);
    std::vector<Evidence> evidence;
    for (const auto& route : *routes) {
        if ((address & route.mask) != route.destination) continue;
        evidence.push_back({"/proc/net/route", route.text, "a route through the VM's network card"});
    }
    if (evidence.empty()) {
        evidence.push_back({"/proc/net/route", fmt::format("no default route, none for {}", wire_server_address),
                            "default via the gateway"});
    }
    return evidence;
}

/// Returns the command that repairs the route, with the gateway of the subnet.
std::string route_command(const Machine& machine) {
    if (const auto routes = routes_of(machine)) {
        for (const auto& route : *routes) {
            const bool is_hardware = kind_of_interface(machine, route.interface) == InterfaceKind::hardware;
            if (route.is_default() && route.gateway != 0 && !route.rejects && is_hardware) {
                return fmt::format("ip route replace {}/32 via {} dev {}", wire_server_address,
                                   machine::ipv4_text(route.gateway), route.interface);
            }
        }
    }
    return fmt::format(
        "ip route replace {}/32 via GATEWAY dev INTERFACE (the gateway is the first address of the subnet)",
        wire_server_address);
}

Finding no_route(const Machine& machine, const machine::Error& error) {
    auto evidence = routes_for_wire_server(machine);
    evidence.insert(evidence.begin(), {fmt::format("route to {}", wire_server_address), error.message, "a route"});
    return Finding::needs_operator(
        fmt::format("This VM has no route to {}.", wire_server_address), std::move(evidence),
        fmt::format("Give the VM a route to {} again: let the network card get its configuration from DHCP, which "
                    "brings one, or run \"{}\" and add it to the network configuration. Remove a route of type "
                    "unreachable, prohibit or blackhole for that address (\"ip route show table all\").",
                    wire_server_address, route_command(machine)));
}

/// Returns the card in Azure's model with this address; nullptr where there is none.
const AzureNetworkInterface* azure_interface_with(const InstanceDescription& vm, const std::string& address) {
    const auto found = std::ranges::find_if(vm.interfaces, [&](const auto& entry) {
        return std::ranges::find(entry.addresses, address) != entry.addresses.end();
    });
    return found == vm.interfaces.end() ? nullptr : &*found;
}

Finding wrong_source(const Machine& machine, const std::string& source, std::string summary, std::string expected) {
    auto evidence = routes_for_wire_server(machine);
    evidence.insert(evidence.begin(),
                    {fmt::format("address used towards {}", wire_server_address), source, std::move(expected)});
    return Finding::needs_operator(
        std::move(summary), std::move(evidence),
        fmt::format("Let the network card get its address from DHCP, and add further addresses after the primary one "
                    "(\"ip address show\" lists it first), or set the source of the route: \"{} src PRIMARY_ADDRESS\".",
                    route_command(machine)));
}

/// Judges the address that the VM would use by the addresses that Azure gave it.
Finding judge_source(const Machine& machine, const std::string& source, Finding otherwise) {
    const auto& vm = machine.derived<InstanceMetadata>().description();
    if (!vm || vm->interfaces.empty()) return otherwise;
    const auto* card = azure_interface_with(*vm, source);
    if (!card) {
        std::vector<std::string> given;
        for (const auto& entry : vm->interfaces)
            given.insert(given.end(), entry.addresses.begin(), entry.addresses.end());
        return wrong_source(machine, source,
                            fmt::format("This VM talks to {} from {}, an address that Azure did not give it.",
                                        wire_server_address, source),
                            fmt::format("{}", fmt::join(given, " or ")));
    }
    if (card != &vm->interfaces.front() && !vm->interfaces.front().addresses.empty()) {
        return wrong_source(machine, source,
                            fmt::format("This VM talks to {} from {}, an address of a secondary network card: the "
                                        "route leads through the wrong card.",
                                        wire_server_address, source),
                            vm->interfaces.front().addresses.front() + ", the primary card's address");
    }
    if (card->addresses.front() != source) {
        return wrong_source(machine, source,
                            fmt::format("This VM talks to {} from {}, a secondary address of its network card.",
                                        wire_server_address, source),
                            card->addresses.front() + ", the primary address");
    }
    return otherwise;
}

/// Returns the interface with the address in use, or the route's interface where that has no address of its own, as
/// tunnels may.
std::string interface_towards_wire_server(const Machine& machine,
                                          const std::vector<machine::NetworkInterface>& interfaces,
                                          const std::string& source) {
    const auto address = *machine::parse_ipv4(wire_server_address);
    const Route* best = nullptr;
    const auto routes = routes_of(machine);
    if (routes) {
        for (const auto& route : *routes) {
            const bool leads_there = route.up && !route.rejects && (address & route.mask) == route.destination;
            if (leads_there && (!best || route.mask > best->mask)) best = &route;
        }
    }
    if (best) {
        const auto own = std::ranges::find(interfaces, best->interface, &machine::NetworkInterface::name);
        const auto is_ipv4 = [](const std::string& text) { return machine::parse_ipv4(text).has_value(); };
        if (own != interfaces.end() && std::ranges::none_of(own->addresses, is_ipv4)) return best->interface;
    }
    const auto* interface = interface_with(interfaces, source);
    return interface ? interface->name : std::string();
}

Finding judge_interface(const Machine& machine, const std::string& source) {
    const auto interfaces = machine.network().interfaces();
    if (!interfaces) return Finding::unknown("network interfaces", interfaces.error());
    const auto interface = interface_towards_wire_server(machine, *interfaces, source);
    const auto name = interface.empty() ? std::string("none") : interface;
    auto evidence = routes_for_wire_server(machine);
    evidence.insert(evidence.begin(), {fmt::format("address used towards {}", wire_server_address),
                                       fmt::format("{}, through interface {}", source, name), "the network card's"});
    if (!interface.empty() && kind_of_interface(machine, interface) == InterfaceKind::software) {
        return Finding::needs_operator(
            fmt::format("What this VM sends to {} goes through {}, which is no network card: a VPN or tunnel, for "
                        "instance.",
                        wire_server_address, name),
            std::move(evidence),
            fmt::format("Take {} out of what goes through {}: run \"{}\", and set the same in the VPN's configuration "
                        "or the network's, so that it stays.",
                        wire_server_address, name, route_command(machine)));
    }
    return judge_source(machine, source,
                        Finding::healthy(fmt::format("A route leads to {} through {}.", wire_server_address, name),
                                         std::move(evidence)));
}

Finding diagnose(const Machine& machine) {
    if (!machine.derived<AzureVm>().is_one()) return AzureVm::elsewhere();
    const auto source = machine.network().source_address(wire_server_address);
    const auto& wire_server = machine.derived<WireServerProbes>();
    if (wire_server.reachable()) {
        return Finding::healthy(fmt::format("A route leads to {}.", wire_server_address),
                                {wire_server.probes()[0].evidence()});
    }
    if (const auto error = wire_server.not_looked()) return Finding::unknown(wire_server.failure()->where, *error);
    if (source) return judge_interface(machine, *source);
    if (source.error().kind == machine::ErrorKind::unreachable) return no_route(machine, source.error());
    return Finding::unknown(fmt::format("route to {}", wire_server_address), source.error());
}

}  // namespace

extern const Remediation remediation{
    .id = "wire-server-route-missing",
    .title = "No usable route leads to the Azure platform address 168.63.129.16",
    .layer = Layer::network,
    .scope = Scope::linux,
    .error_codes = {"UserErrorGuestAgentStatusUnavailable", "ExtensionSnapshotFailedNoNetwork",
                    "VMAgentStatusCommunicationError", "GuestAgentSnapshotTaskStatusError",
                    "VMRestorePointInternalError"},
    .disruption = Disruption::none,
    .explanation =
        "Packets to 168.63.129.16 must leave through the VM's network card, from the primary address that Azure gave "
        "it. A route that is missing, leads into a VPN or tunnel, or uses a secondary or foreign address makes the "
        "platform unreachable. DHCP brings the right route; which one is wanted otherwise only the operator knows, so "
        "nothing is changed.",
    .source = "https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16",
    .consequences = {"wire-server-unreachable", "dhcp-disabled"},
    .diagnose = diagnose,
    .fix = nullptr,
};

}  // namespace remediations::causes::wire_server_route_missing
