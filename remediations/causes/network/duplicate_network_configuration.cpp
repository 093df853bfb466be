#include <fmt/format.h>

#include <algorithm>
#include <boost/algorithm/string/case_conv.hpp>
#include <map>
#include <regex>

#include "remediations/knowledge/network/azure_vm.hpp"
#include "remediations/knowledge/network/network_configuration.hpp"
#include "remediations/knowledge/network/platform_probes.hpp"
#include "remediations/knowledge/network/routes.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::duplicate_network_configuration {

using machine::Machine;
using machine::NetworkInterface;

namespace {

constexpr auto udev_rules = "/etc/udev/rules.d/70-persistent-net.rules";

bool has_mac(const std::vector<NetworkInterface>& interfaces, const std::string& mac) {
    return std::ranges::any_of(interfaces, [&](const auto& entry) { return entry.mac == mac; });
}

/// Returns configuration for a card that this VM does not have, under the name of a card that it has.
std::vector<Evidence> foreign_cards(const Machine& machine, const std::vector<NetworkInterface>& interfaces,
                                    const NetworkInterface& ours) {
    std::vector<Evidence> evidence;
    const NetworkConfiguration configuration(machine);
    const auto expected = fmt::format("{}, or no MAC address", ours.mac);
    for (const auto& configured : configuration.interfaces()) {
        const bool means_ours = configured.interface.empty() || configured.interface == ours.name;
        if (configured.mac.empty() || !means_ours || has_mac(interfaces, configured.mac)) continue;
        evidence.push_back({fmt::format("{}:{}", configured.file, configured.mac_line),
                            fmt::format("MAC address {} of no network card in this VM", configured.mac), expected});
    }
    // Rules of an image's first VM give the card of every copy another name.
    if (const auto text = machine.files().read(udev_rules, std::size_t{64} << 10)) {
        static const std::regex mac("([0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}");
        for (std::sregex_iterator found(text->begin(), text->end(), mac), end; found != end; ++found) {
            const auto address = boost::to_lower_copy(found->str());
            if (has_mac(interfaces, address) || evidence.size() >= 10) continue;
            evidence.push_back(
                {udev_rules, fmt::format("MAC address {} of no network card in this VM", address), expected});
        }
    }
    return evidence;
}

std::vector<Evidence> repeated_addresses(const std::vector<NetworkInterface>& interfaces) {
    std::map<std::string, std::string> owner;
    std::vector<Evidence> evidence;
    for (const auto& entry : interfaces) {
        if (!entry.up || entry.mac.empty()) continue;
        for (const auto& address : entry.addresses) {
            const bool is_ipv4 = address.find(':') == std::string::npos;
            const auto [other, is_first] = owner.emplace(address, entry.name);
            if (is_first || !is_ipv4) continue;
            evidence.push_back({fmt::format("interfaces {} and {}", other->second, entry.name), address,
                                "every address on one interface alone"});
        }
    }
    return evidence;
}

Finding diagnose(const Machine& machine) {
    if (!machine.derived<AzureVm>().is_one()) return AzureVm::elsewhere();
    const auto interfaces = machine.network().interfaces();
    if (!interfaces) return Finding::unknown("network interfaces", interfaces.error());
    auto evidence = repeated_addresses(*interfaces);
    const auto source = machine.network().source_address(wire_server_address);
    const auto* ours = source ? interface_with(*interfaces, *source) : nullptr;
    if (!ours) {
        const auto first = std::ranges::find_if(*interfaces, [](const auto& entry) { return !entry.mac.empty(); });
        ours = first == interfaces->end() ? nullptr : &*first;
    }
    if (ours && !ours->mac.empty()) {
        auto foreign = foreign_cards(machine, *interfaces, *ours);
        std::ranges::move(foreign, std::back_inserter(evidence));
    }
    if (evidence.empty()) {
        return Finding::healthy("No address is configured twice, none for another VM's network card.");
    }
    const auto& wire_server = machine.derived<WireServerProbes>();
    auto finding = Finding::needs_operator(
        "The network configuration has addresses twice, or is made for another VM's network card.", std::move(evidence),
        "Take the MAC address out of that file, or write this VM's own (\"ip link\" shows it); give every address to "
        "one interface alone; then restart the network from the serial console. Copies of a VM must not keep such "
        "files.");
    // While the platform answers, the network came up in spite of it.
    return wire_server.reachable() || wire_server.not_looked() ? std::move(finding).as_risk() : finding;
}

}  // namespace

Remediation remediation() {
    return {
        .id = "duplicate-network-configuration",
        .title = "The network configuration has addresses twice or is another VM's",
        .layer = Layer::network,
        .scope = Scope::linux,
        .error_codes = {"UserErrorGuestAgentStatusUnavailable", "ExtensionSnapshotFailedNoNetwork"},
        .disruption = Disruption::none,
        .explanation =
            "A configuration that names the MAC address of another VM's network card, left over from the VM that this "
            "one was copied from, does not apply to this VM's card; an IP address on two interfaces sends answers the "
            "wrong way. Either can leave the VM without a way to 168.63.129.16, often only after the next restart. "
            "Which configuration is right only the operator knows, so nothing is changed.",
        .source =
            "https://learn.microsoft.com/troubleshoot/azure/virtual-machines/linux/"
            "serial-console-grub-proactive-configuration",
        .consequences = {"wire-server-unreachable", "dhcp-disabled"},
        .diagnose = diagnose,
        .fix = nullptr,
    };
}

}  // namespace remediations::causes::duplicate_network_configuration
