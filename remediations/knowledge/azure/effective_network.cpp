#include "remediations/knowledge/azure/effective_network.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <boost/algorithm/string/predicate.hpp>
#include <boost/json.hpp>
#include <charconv>

#include "remediations/knowledge/azure/arm_answer.hpp"
#include "remediations/knowledge/azure/vm_in_azure.hpp"

namespace remediations::azure {

namespace json = boost::json;
using machine::Machine;
using machine::Result;

namespace {

constexpr unsigned https_port = 443;

/// A member that is a text in one place and a list of texts in another.
std::vector<std::string> texts_at(const json::value& value, std::initializer_list<std::string_view> names) {
    std::vector<std::string> texts;
    for (const auto name : names) {
        if (const auto text = text_of(value, name); !text.empty()) texts.push_back(text);
        for (const auto& each : list_of(value, name)) {
            if (each.is_string()) texts.emplace_back(each.get_string());
        }
    }
    return texts;
}

/// "443", "0-65535", "400-500", "*"
bool covers_port(std::string_view range, unsigned port) {
    if (range == "*") return true;
    const auto number = [](std::string_view text) {
        unsigned value = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
        return error == std::errc() && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
    };
    const auto dash = range.find('-');
    const auto first = number(range.substr(0, dash));
    const auto last = dash == range.npos ? first : number(range.substr(dash + 1));
    return first && last && *first <= port && port <= *last;
}

bool is_everywhere(std::string_view prefix) {
    return prefix == "*" || prefix == "0.0.0.0/0" || boost::iequals(prefix, "Internet");
}

/// "Storage", "Storage.WestEurope"
bool is_storage(std::string_view prefix) {
    return boost::iequals(prefix, "Storage") || boost::istarts_with(prefix, "Storage.");
}

/// Whether a rule for TCP 443 is about storage; nullopt where it names addresses, which may be storage's.
std::optional<bool> concerns_storage(const json::value& rule) {
    // The expanded prefixes of a tag are many addresses: what the rule itself names counts.
    const auto prefixes = texts_at(rule, {"destinationAddressPrefix", "destinationAddressPrefixes"});
    bool is_known = true;
    for (const auto& prefix : prefixes) {
        if (is_everywhere(prefix) || is_storage(prefix)) return true;
        const bool is_other_tag =
            boost::iequals(prefix, "VirtualNetwork") || boost::iequals(prefix, "AzureLoadBalancer");
        is_known = is_known && is_other_tag;
    }
    return is_known && !prefixes.empty() ? std::optional(false) : std::nullopt;
}

/// The rule that decides about TCP 443 to storage, where it denies.
const json::value* denial_in(const json::array& rules) {
    std::vector<const json::value*> outbound;
    for (const auto& rule : rules) {
        const auto protocol = text_of(rule, "protocol");
        const bool is_of_tcp = boost::iequals(protocol, "Tcp") || boost::iequals(protocol, "All") || protocol == "*";
        const auto ports = texts_at(rule, {"destinationPortRange", "destinationPortRanges"});
        const bool is_of_port =
            std::ranges::any_of(ports, [](const auto& range) { return covers_port(range, https_port); });
        if (boost::iequals(text_of(rule, "direction"), "Outbound") && is_of_tcp && is_of_port &&
            number_of(rule, "priority")) {
            outbound.push_back(&rule);
        }
    }
    std::ranges::stable_sort(outbound, {}, [](const auto* rule) { return *number_of(*rule, "priority"); });
    for (const auto* rule : outbound) {
        const auto concerns = concerns_storage(*rule);
        if (!concerns) return nullptr;
        if (*concerns) return boost::iequals(text_of(*rule, "access"), "Deny") ? rule : nullptr;
    }
    return nullptr;
}

Result<std::vector<Evidence>> routes_of(const Machine& machine, const std::string& interface) {
    const auto routes =
        ask(machine, {.path = interface + "/effectiveRouteTable",
                      .members = {"source", "state", "addressPrefix", "nextHopType", "nextHopIpAddress"},
                      .method = "POST",
                      .is_list = true});
    if (!routes) return routes.error();
    std::vector<Evidence> evidence;
    for (const auto& route : list_of(*routes, "")) {
        if (!boost::iequals(text_of(route, "state"), "Active")) continue;
        const auto hop = text_of(route, "nextHopType");
        // A service endpoint, to storage or another service: its addresses have routes of their own.
        if (boost::iequals(hop, "VirtualNetworkServiceEndpoint")) return std::vector<Evidence>();
        const auto prefixes = texts_at(route, {"addressPrefix"});
        const bool leads_elsewhere = boost::iequals(hop, "VirtualAppliance") || boost::iequals(hop, "None") ||
                                     boost::iequals(hop, "VirtualNetworkGateway");
        if (std::ranges::find(prefixes, "0.0.0.0/0") == prefixes.end() || !leads_elsewhere) continue;
        const auto addresses = texts_at(route, {"nextHopIpAddress"});
        evidence.push_back({"effective routes of " + interface,
                            fmt::format("0.0.0.0/0 ({}) leads to {}{}", text_of(route, "source"), hop,
                                        addresses.empty() ? "" : fmt::format(" {}", fmt::join(addresses, ", "))),
                            boost::iequals(hop, "None") ? "a way to storage"
                                                        : "that what stands there lets TCP 443 to storage through"});
    }
    return evidence;
}

Result<std::vector<Evidence>> rules_of(const Machine& machine, const std::string& interface) {
    const auto groups = ask(
        machine,
        {.path = interface + "/effectiveNetworkSecurityGroups",
         .members = {"networkSecurityGroup.id", "effectiveSecurityRules.name", "effectiveSecurityRules.access",
                     "effectiveSecurityRules.direction", "effectiveSecurityRules.priority",
                     "effectiveSecurityRules.protocol", "effectiveSecurityRules.destinationPortRange",
                     "effectiveSecurityRules.destinationPortRanges", "effectiveSecurityRules.destinationAddressPrefix",
                     "effectiveSecurityRules.destinationAddressPrefixes"},
         .method = "POST",
         .is_list = true});
    if (!groups) return groups.error();
    std::vector<Evidence> evidence;
    for (const auto& group : list_of(*groups, "")) {
        const auto* rule = denial_in(list_of(group, "effectiveSecurityRules"));
        if (!rule) continue;
        evidence.push_back(
            {text_of(group, "networkSecurityGroup.id"),
             fmt::format("rule {} (priority {}) denies outbound TCP 443 to {}", text_of(*rule, "name"),
                         text_of(*rule, "priority"),
                         fmt::join(texts_at(*rule, {"destinationAddressPrefix", "destinationAddressPrefixes"}), ", ")),
             "a rule of a lower number that allows it to the service tag Storage"});
    }
    return evidence;
}

}  // namespace

Result<std::vector<Evidence>> what_may_block_storage(const Machine& machine) {
    const auto& model = machine.derived<VmInAzure>().model();
    if (!model) return model.error();
    std::vector<Evidence> evidence;
    for (const auto& interface : model->network_interfaces) {
        for (auto* look : {routes_of, rules_of}) {
            auto seen = look(machine, interface);
            if (!seen) return seen.error();
            evidence.insert(evidence.end(), seen->begin(), seen->end());
        }
    }
    return evidence;
}

}  // namespace remediations::azure
