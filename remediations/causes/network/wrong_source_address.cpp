#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "remediations/knowledge/network/instance_metadata.hpp"
#include "remediations/knowledge/network/platform_probes.hpp"
#include "remediations/knowledge/network/routes.hpp"
#include "remediations/knowledge/network/windows_interfaces.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::wrong_source_address {

using machine::Machine;

namespace {

bool is_ipv4(const std::string& address) {
    return address.find(':') == std::string::npos;
}

/// Returns the primary address of the interface that has `source`, by Azure, else by the registry; empty where neither
/// knows the address.
std::string primary_address(const Machine& machine, const std::string& source) {
    if (const auto& vm = machine.derived<InstanceMetadata>().description()) {
        for (const auto& card : vm->interfaces) {
            if (std::ranges::find(card.addresses, source) != card.addresses.end()) return card.addresses.front();
        }
    }
    if (const auto interfaces = windows_interfaces(machine)) {
        for (const auto& interface : *interfaces) {
            // Azure's instructions want the primary one entered first.
            if (std::ranges::find(interface.addresses, source) != interface.addresses.end()) {
                return interface.addresses.front();
            }
        }
    }
    return {};
}

std::vector<std::string> other_addresses(const machine::NetworkInterface& interface, const std::string& primary) {
    std::vector<std::string> others;
    std::ranges::copy_if(interface.addresses, std::back_inserter(others),
                         [&](const auto& address) { return is_ipv4(address) && address != primary; });
    return others;
}

Finding diagnose(const Machine& machine) {
    const auto& wire_server = machine.derived<WireServerProbes>();
    if (wire_server.reachable()) {
        return Finding::healthy("The Azure platform answers to the address that this VM uses.",
                                {wire_server.probes().front().evidence()});
    }
    if (const auto error = wire_server.not_looked()) return Finding::unknown(wire_server.failure()->where, *error);
    const auto source = machine.network().source_address(wire_server_address);
    if (!source && source.error().kind == machine::ErrorKind::unreachable) {
        return Finding::needs_operator(
            fmt::format("This VM has no route to {}.", wire_server_address),
            {wire_server.failure()->evidence(), {"routing table", source.error().message, "a default route"}},
            "Let the network adapter get its configuration from DHCP (ipconfig /renew), which brings the routes, and "
            "look for persistent routes that lead elsewhere: route print.");
    }
    if (!source) return Finding::unknown(fmt::format("route to {}", wire_server_address), source.error());
    const auto interfaces = machine.network().interfaces();
    if (!interfaces) return Finding::unknown("network interfaces", interfaces.error());
    const auto* interface = interface_with(*interfaces, *source);
    const auto primary = primary_address(machine, *source);
    std::vector<Evidence> evidence{
        wire_server.failure()->evidence(),
        {fmt::format("address used towards {}", wire_server_address),
         fmt::format("{} of {}", *source, interface ? interface->name : "an unknown interface"),
         primary.empty() ? "the primary address of the network adapter" : primary}};
    if (primary.empty() && interface) {
        return Finding::needs_operator(
            fmt::format("What this VM sends to {} leaves from {} of {}, an address that Azure did not give it.",
                        wire_server_address, *source, interface->name),
            std::move(evidence),
            fmt::format("Where {} is a VPN or tunnel, take {} out of what goes through it; else let the adapter get "
                        "its address from DHCP.",
                        interface->name, wire_server_address));
    }
    if (primary.empty() || primary == *source || !interface) {
        return Finding::healthy("This VM uses the primary address of its network adapter.", std::move(evidence));
    }
    const auto others = other_addresses(*interface, primary);
    std::vector<std::string> commands;
    for (const auto& address : others) {
        commands.push_back(fmt::format("Set-NetIPAddress -IPAddress {} -SkipAsSource $true", address));
    }
    return Finding::needs_operator(
        fmt::format("This VM talks to {} from {}, a secondary address; the platform answers to the primary one, {}, "
                    "alone.",
                    wire_server_address, *source, primary),
        std::move(evidence),
        fmt::format("In an elevated PowerShell, for the secondary addresses: {}. Enter the primary address first, as "
                    "Azure has it.",
                    fmt::join(commands, "; ")));
}

}  // namespace

Remediation remediation() {
    return {
        .id = "wrong-source-address",
        .title = "Windows uses another address than the primary one towards the platform",
        .layer = Layer::network,
        .scope = Scope::windows,
        .error_codes = {"ExtensionSnapshotFailedNoNetwork", "UserErrorGuestAgentStatusUnavailable",
                        "VMAgentStatusCommunicationError"},
        .explanation =
            "Of several addresses of one adapter Windows takes the lowest one as source, whichever is the primary one "
            "in Azure; from a secondary address, or through a VPN, the platform cannot be reached. Which addresses are "
            "to be used only the operator knows, so nothing is changed.",
        .source = "https://learn.microsoft.com/troubleshoot/azure/virtual-machines/windows/no-internet-access-multi-ip",
        .consequences = {"wire-server-unreachable", "instance-metadata-unreachable", "dhcp-disabled"},
        .diagnose = diagnose,
    };
}

}  // namespace remediations::causes::wrong_source_address
