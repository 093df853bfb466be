#include "remediations/knowledge/network/wire_server_route.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "remediations/knowledge/network/dhcp_leases.hpp"
#include "remediations/knowledge/network/instance_metadata.hpp"
#include "remediations/knowledge/network/routes.hpp"
#include "remediations/machine/ipv4.hpp"

namespace remediations {

using machine::Error;
using machine::Machine;
using machine::NetworkInterface;
using machine::Result;

namespace {

Error not_known(std::string what) {
    return machine::Error::not_found(std::move(what));
}

bool has_address(const NetworkInterface& interface, const std::string& address) {
    return std::ranges::find(interface.addresses, address) != interface.addresses.end();
}

/// Interfaces that can lead to Azure's network: real cards or, where none of them has an address, what is built upon
/// one.
Result<std::vector<NetworkInterface>> network_cards(const Machine& machine) {
    auto interfaces = machine.network().interfaces();
    if (!interfaces) return interfaces.error();
    std::erase_if(*interfaces, [&](const NetworkInterface& interface) {
        return !interface.up || !has_ipv4(interface) ||
               kind_of_interface(machine, interface.name) != InterfaceKind::hardware;
    });
    const auto is_built = [&](const NetworkInterface& interface) {
        return !machine.files().status("/sys/class/net/" + interface.name + "/device");
    };
    if (!std::ranges::all_of(*interfaces, is_built)) std::erase_if(*interfaces, is_built);
    return interfaces;
}

const NetworkInterface* card_named(const std::vector<NetworkInterface>& cards, const std::string& name) {
    const auto found = std::ranges::find(cards, name, &NetworkInterface::name);
    return found == cards.end() ? nullptr : &*found;
}

const NetworkInterface* card_with_router(const std::vector<NetworkInterface>& cards,
                                         const std::vector<DhcpLease>& leases) {
    std::set<const NetworkInterface*> found;
    for (const auto& lease : leases) {
        const auto card =
            std::ranges::find_if(cards, [&](const auto& candidate) { return has_address(candidate, lease.address); });
        if (card != cards.end() && !lease.router.empty()) found.insert(&*card);
    }
    return found.size() == 1 ? *found.begin() : nullptr;
}

bool leads_to_router(const Route& route, const std::string& card) {
    return route.interface == card && route.is_default() && route.up && !route.rejects && route.gateway != 0;
}

const NetworkInterface* choose_card(const std::vector<NetworkInterface>& cards, const std::vector<DhcpLease>& leases,
                                    const std::vector<Route>& routes) {
    if (const auto* card = card_with_router(cards, leases)) return card;
    for (const auto& route : routes) {  // the kernel lists the best one first
        const auto* card = card_named(cards, route.interface);
        if (card && leads_to_router(route, card->name)) return card;
    }
    return cards.size() == 1 ? &cards.front() : nullptr;
}

/// A route to the card's own subnet.
bool is_subnet_of(const Route& route, const std::string& card) {
    constexpr std::uint32_t one_address = 0xFFFFFFFF;
    return route.interface == card && route.up && !route.rejects && route.gateway == 0 && !route.is_default() &&
           route.mask != one_address;
}

bool lies_in(std::uint32_t address, const Route& route) {
    return (address & route.mask) == route.destination;
}

std::string router_of(const NetworkInterface& card, const std::vector<DhcpLease>& leases,
                      const std::vector<Route>& routes) {
    for (const auto& route : routes) {
        if (leads_to_router(route, card.name)) return machine::ipv4_text(route.gateway);
    }
    for (const auto& lease : leases) {
        if (!lease.router.empty() && has_address(card, lease.address)) return lease.router;
    }
    for (const auto& route : routes) {
        if (!is_subnet_of(route, card.name)) continue;
        const auto first = route.destination + 1;
        const auto is_own = [&](const std::string& text) { return machine::parse_ipv4(text) == first; };
        const auto is_in_subnet = [&](const std::string& text) {
            const auto address = machine::parse_ipv4(text);
            return address && lies_in(*address, route);
        };
        const bool serves = std::ranges::any_of(card.addresses, is_in_subnet);
        if (serves && std::ranges::none_of(card.addresses, is_own)) return machine::ipv4_text(first);
    }
    return {};
}

/// What Azure has for the card's primary address; empty where Azure cannot be asked.
Result<std::string> primary_address(const Machine& machine, const NetworkInterface& card) {
    const auto& vm = machine.derived<InstanceMetadata>().description();
    if (!vm) return std::string();
    for (const auto& entry : vm->interfaces) {
        if (entry.addresses.empty()) continue;
        if (has_address(card, entry.addresses.front())) return entry.addresses.front();
        if (entry.mac != card.mac) continue;
        return not_known(fmt::format("{} does not have {}, the primary address that Azure gave it", card.name,
                                     entry.addresses.front()));
    }
    return std::string();
}

}  // namespace

std::optional<std::string> card_with_router_from_dhcp(const Machine& machine) {
    const auto cards = network_cards(machine);
    if (!cards) return std::nullopt;
    const auto* card = card_with_router(*cards, dhcp_leases(machine));
    return card ? std::optional(card->name) : std::nullopt;
}

Result<HostRoute> route_to_wire_server(const Machine& machine, const std::string& wanted_card) {
    const auto cards = network_cards(machine);
    if (!cards) return cards.error();
    const auto routes = routes_of(machine);
    if (!routes) return routes.error();
    const auto leases = dhcp_leases(machine);
    const auto* card = wanted_card.empty() ? choose_card(*cards, leases, *routes) : card_named(*cards, wanted_card);
    if (!card) return not_known("which network card leads to Azure's network");
    const auto source = primary_address(machine, *card);
    if (!source) return source.error();
    HostRoute route{
        .gateway = router_of(*card, leases, *routes), .interface = card->name, .protocol = "static", .source = *source};
    if (route.gateway.empty()) return not_known("the router of " + card->name);
    const auto router = machine::parse_ipv4(route.gateway);
    route.on_link = router && std::ranges::none_of(*routes, [&](const Route& candidate) {
                        return is_subnet_of(candidate, card->name) && lies_in(*router, candidate);
                    });
    return route;
}

}  // namespace remediations
