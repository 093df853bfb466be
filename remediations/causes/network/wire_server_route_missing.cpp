#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <functional>

#include "remediations/changes/changes.hpp"
#include "remediations/knowledge/network/azure_vm.hpp"
#include "remediations/knowledge/network/instance_metadata.hpp"
#include "remediations/knowledge/network/packet_filter.hpp"
#include "remediations/knowledge/network/platform_probes.hpp"
#include "remediations/knowledge/network/routes.hpp"
#include "remediations/knowledge/network/wire_server_route.hpp"
#include "remediations/machine/ipv4.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::wire_server_route_missing {

using machine::ErrorKind;
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

/// The way that packets to the wire server take now; both are empty where there is none.
struct WayInUse {
    std::string interface;
    std::string source;
};

/// Returns the command that repairs the route.
std::string route_command(const machine::Result<HostRoute>& route) {
    if (route) return fmt::format("ip route replace {}/32 {}", wire_server_address, words_of(*route));
    return fmt::format(
        "ip route replace {}/32 via GATEWAY dev INTERFACE (the gateway is the first address of the subnet)",
        wire_server_address);
}

bool is_another_way(const HostRoute& route, const WayInUse& in_use) {
    return route.interface != in_use.interface || (!route.source.empty() && route.source != in_use.source);
}

/// What a person is to do, given the command that sets the route.
using Advice = std::function<std::string(const std::string& command)>;

/// Broken where the route is known that ought to lead there, and can be set here.
Finding misrouted(const Machine& machine, const WayInUse& in_use, const std::string& wanted_card, std::string summary,
                  std::vector<Evidence> evidence, const Advice& advice) {
    const auto route = route_to_wire_server(machine, wanted_card);
    auto action = advice(route_command(route));
    if (!route || !is_another_way(*route, in_use) || !ip_program(machine)) {
        return Finding::needs_operator(std::move(summary), std::move(evidence), std::move(action));
    }
    auto finding = Finding::broken(std::move(summary), std::move(evidence), std::move(action));
    finding.subjects = {words_of(*route)};
    return finding;
}

Finding no_route(const Machine& machine, const machine::Error& error) {
    auto evidence = routes_for_wire_server(machine);
    evidence.insert(evidence.begin(), {fmt::format("route to {}", wire_server_address), error.message, "a route"});
    const auto advice = [](const std::string& command) {
        return fmt::format(
            "Give the VM a route to {} again: let the network card get its configuration from DHCP, which brings one, "
            "or run \"{}\" and add it to the network configuration. Remove a route of type unreachable, prohibit or "
            "blackhole for that address (\"ip route show table all\").",
            wire_server_address, command);
    };
    return misrouted(machine, {}, {}, fmt::format("This VM has no route to {}.", wire_server_address),
                     std::move(evidence), advice);
}

/// Returns the card in Azure's model with this address; nullptr where there is none.
const AzureNetworkInterface* azure_interface_with(const InstanceDescription& vm, const std::string& address) {
    const auto found = std::ranges::find_if(vm.interfaces, [&](const auto& entry) {
        return std::ranges::find(entry.addresses, address) != entry.addresses.end();
    });
    return found == vm.interfaces.end() ? nullptr : &*found;
}

Finding wrong_source(const Machine& machine, const WayInUse& in_use, const std::string& wanted_card,
                     std::string summary, std::string expected) {
    auto evidence = routes_for_wire_server(machine);
    evidence.insert(evidence.begin(),
                    {fmt::format("address used towards {}", wire_server_address), in_use.source, std::move(expected)});
    const auto advice = [](const std::string& command) {
        const auto* const source = command.find(" src ") == std::string::npos ? " src PRIMARY_ADDRESS" : "";
        return fmt::format(
            "Let the network card get its address from DHCP, and add further addresses after the primary one (\"ip "
            "address show\" lists it first), or set the source of the route: \"{}{}\".",
            command, source);
    };
    return misrouted(machine, in_use, wanted_card, std::move(summary), std::move(evidence), advice);
}

/// The interface with this hardware address and an IPv4 one; empty where none has them.
std::string interface_with_mac(const Machine& machine, const std::string& mac) {
    const auto interfaces = machine.network().interfaces();
    if (!interfaces || mac.empty()) return {};
    // The virtual function of accelerated networking has the same hardware address alone.
    const auto found =
        std::ranges::find_if(*interfaces, [&](const auto& entry) { return entry.mac == mac && has_ipv4(entry); });
    return found == interfaces->end() ? std::string() : found->name;
}

/// Azure cannot be asked which card is the primary one; its DHCP server names a router to that one alone.
Finding judge_card_by_dhcp(const Machine& machine, const WayInUse& in_use, Finding otherwise) {
    const auto card = card_with_router_from_dhcp(machine);
    if (!card || in_use.interface.empty() || *card == in_use.interface) return otherwise;
    return wrong_source(machine, in_use, *card,
                        fmt::format("This VM talks to {} through {}; DHCP named a router to another network card, {}.",
                                    wire_server_address, in_use.interface, *card),
                        *card + "'s address");
}

/// Judges the address that the VM would use by the addresses that Azure gave it.
Finding judge_source(const Machine& machine, const WayInUse& in_use, Finding otherwise) {
    const auto& vm = machine.derived<InstanceMetadata>().description();
    if (!vm || vm->interfaces.empty()) return judge_card_by_dhcp(machine, in_use, std::move(otherwise));
    const auto& source = in_use.source;
    const auto* card = azure_interface_with(*vm, source);
    if (!card) {
        std::vector<std::string> given;
        for (const auto& entry : vm->interfaces) {
            given.insert(given.end(), entry.addresses.begin(), entry.addresses.end());
        }
        return wrong_source(machine, in_use, {},
                            fmt::format("This VM talks to {} from {}, an address that Azure did not give it.",
                                        wire_server_address, source),
                            fmt::format("{}", fmt::join(given, " or ")));
    }
    const auto& primary = vm->interfaces.front();
    if (card != &primary && !primary.addresses.empty()) {
        return wrong_source(machine, in_use, interface_with_mac(machine, primary.mac),
                            fmt::format("This VM talks to {} from {}, an address of a secondary network card: the "
                                        "route leads through the wrong card.",
                                        wire_server_address, source),
                            primary.addresses.front() + ", the primary card's address");
    }
    if (card->addresses.front() != source) {
        return wrong_source(machine, in_use, interface_with_mac(machine, card->mac),
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
        if (own != interfaces.end() && !has_ipv4(*own)) return best->interface;
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
    const WayInUse in_use{interface, source};
    if (!interface.empty() && kind_of_interface(machine, interface) == InterfaceKind::software) {
        const auto advice = [&](const std::string& command) {
            return fmt::format(
                "Take {} out of what goes through {}: run \"{}\", and set the same in the VPN's configuration or the "
                "network's, so that it stays.",
                wire_server_address, name, command);
        };
        return misrouted(machine, in_use, {},
                         fmt::format("What this VM sends to {} goes through {}, which is no network card: a VPN or "
                                     "tunnel, for instance.",
                                     wire_server_address, name),
                         std::move(evidence), advice);
    }
    return judge_source(machine, in_use,
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
    if (source.error().kind == ErrorKind::unreachable) return no_route(machine, source.error());
    return Finding::unknown(fmt::format("route to {}", wire_server_address), source.error());
}

/// The route stays only where it proves to be what was missing: the platform does not answer right before, and does
/// right after. Else the caller takes it back.
machine::Result<void> fix(const Finding& finding, Changes& changes) {
    if (finding.subjects.empty()) return machine::Error::failed("no route is known that could be set");
    const auto route = host_route_from(finding.subjects.front());
    if (!route) return route.error();
    const auto ip = ip_program(changes.machine());
    if (!ip) return ip.error();
    if (!changes.is_plan() && !wire_server_port_without_answer(changes.machine())) {
        return machine::Error::failed(fmt::format("{} answers by now, without a change", wire_server_address));
    }
    if (auto set = changes.set_host_route(*ip, wire_server_address, *route); !set) return set;
    if (changes.is_plan()) return {};
    if (const auto port = wire_server_port_without_answer(changes.machine())) {
        return machine::Error::failed(
            fmt::format("{} port {} does not answer with the route in place either, so something "
                        "else keeps the VM from it",
                        wire_server_address, *port));
    }
    return {};
}

}  // namespace

Remediation remediation() {
    return {
        .id = "wire-server-route-missing",
        .title = "No usable route leads to the Azure platform address 168.63.129.16",
        .layer = Layer::network,
        .scope = Scope::linux,
        .error_codes = {"UserErrorGuestAgentStatusUnavailable", "ExtensionSnapshotFailedNoNetwork",
                        "VMAgentStatusCommunicationError", "GuestAgentSnapshotTaskStatusError",
                        "VMRestorePointInternalError", "InternalError"},
        // It interrupts nothing, but it is the network's configuration, not that of backup.
        .disruption = Disruption::service_restart,
        .explanation =
            "Packets to 168.63.129.16 must leave through the VM's network card, from the primary address that Azure "
            "gave it. A route that is missing, leads nowhere, into a VPN or through a secondary card, or uses a "
            "secondary or foreign address makes the platform unreachable. DHCP brings the right route. The fix adds "
            "one for this address alone, through the primary card to the subnet's router, and takes it back where the "
            "platform does not answer right then; it lasts until the network is configured anew, so the network's or "
            "VPN's configuration has to be repaired too.",
        .source = "https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16",
        .consequences = {"wire-server-unreachable", "dhcp-disabled"},
        .diagnose = diagnose,
        .fix = fix,
    };
}

}  // namespace remediations::causes::wire_server_route_missing
