#include "remediations/knowledge/network/windows_firewall.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/algorithm/string/predicate.hpp>
#include <charconv>

#include "remediations/knowledge/windows/registry_values.hpp"

namespace remediations {

using machine::ErrorKind;
using machine::Machine;
using machine::Result;

namespace {

constexpr auto local_policy = R"(HKLM\SYSTEM\CurrentControlSet\Services\SharedAccess\Parameters\FirewallPolicy)";
constexpr auto group_policy = R"(HKLM\SOFTWARE\Policies\Microsoft\WindowsFirewall)";

/// Programs of the guest agent and of the backup extension.
constexpr std::string_view agent_programs[] = {"WaAppAgent.exe", "WindowsAzureGuestAgent.exe", "IaaSBcdrExtension.exe"};
constexpr std::string_view agent_services[] = {"*", "RdAgent", "WindowsAzureGuestAgent"};

/// Fields that do not restrict the packets of a rule.
constexpr std::string_view descriptions[] = {"Action", "Active", "Dir", "Name",    "Desc",    "EmbedCtxt",
                                             "Edge",   "Defer",  "TTK", "TTK2_22", "TTK2_27", "TTK2_28"};

std::optional<std::uint32_t> number_in(std::string_view text) {
    std::uint32_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return number;
}

std::optional<std::uint32_t> address_in(std::string_view text) {
    std::uint32_t address = 0;
    for (int part = 0; part < 4; ++part) {
        const auto end = part < 3 ? text.find('.') : text.size();
        if (end == text.npos) return std::nullopt;
        const auto number = number_in(text.substr(0, end));
        if (!number || *number > 255) return std::nullopt;
        address = address << 8 | *number;
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return address;
}

/// "80", "80-90". Words such as RPC never mean our port.
bool covers_port(std::string_view range, std::uint16_t port) {
    const auto dash = range.find('-');
    const auto first = number_in(range.substr(0, dash));
    const auto last = dash == range.npos ? first : number_in(range.substr(dash + 1));
    return first && last && *first <= port && port <= *last;
}

/// Returns true if the range contains the address: "10.0.0.1", "10.0.0.0/8", "10.0.0.0/255.0.0.0", "10.0.0.1-10.0.0.9".
/// nullopt for a word such as LocalSubnet.
std::optional<bool> covers_address(std::string_view range, std::uint32_t address) {
    if (range == "*") return true;
    if (const auto dash = range.find('-'); dash != range.npos) {
        const auto first = address_in(range.substr(0, dash));
        const auto last = address_in(range.substr(dash + 1));
        if (!first || !last) return std::nullopt;
        return *first <= address && address <= *last;
    }
    const auto slash = range.find('/');
    const auto network = address_in(range.substr(0, slash));
    if (!network) return std::nullopt;
    if (slash == range.npos) return *network == address;
    const auto suffix = range.substr(slash + 1);
    auto mask = address_in(suffix);
    if (const auto length = number_in(suffix); !mask && length && *length <= 32) {
        mask = *length == 0 ? 0 : ~std::uint32_t{0} << (32 - *length);
    }
    if (!mask) return std::nullopt;
    return (*network & *mask) == (address & *mask);
}

FirewallMatch lesser(FirewallMatch left, FirewallMatch right) {
    return std::min(left, right);
}

FirewallMatch match_address(const WindowsFirewallRule& rule, std::string_view address) {
    const auto wanted = address_in(address);
    const auto ranges = rule.values("RA4");
    const auto words = rule.values("RA42");
    // The rule is only for IPv6.
    const bool only_others = !rule.values("RA6").empty() || !rule.values("RA62").empty();
    if (ranges.empty() && words.empty()) return only_others ? FirewallMatch::no : FirewallMatch::yes;
    auto match = FirewallMatch::no;
    for (const auto range : ranges) {
        const auto covers = wanted ? covers_address(range, *wanted) : std::nullopt;
        // A word may stand for the address: Internet does, LocalSubnet does not.
        const auto here = covers                                 ? (*covers ? FirewallMatch::yes : FirewallMatch::no)
                          : boost::iequals(range, "LocalSubnet") ? FirewallMatch::no
                                                                 : FirewallMatch::maybe;
        match = std::max(match, here);
    }
    for (const auto word : words) {
        match = std::max(match, boost::iequals(word, "LocalSubnet") ? FirewallMatch::no : FirewallMatch::maybe);
    }
    return match;
}

FirewallMatch match_port(const WindowsFirewallRule& rule, std::uint16_t port) {
    auto ranges = rule.values("RPort");
    for (const auto* field : {"RPort2_10", "RPort2_20", "RPort2_24"}) {
        const auto more = rule.values(field);
        ranges.insert(ranges.end(), more.begin(), more.end());
    }
    if (ranges.empty()) return FirewallMatch::yes;
    const auto covers = [&](std::string_view range) { return covers_port(range, port); };
    return std::ranges::any_of(ranges, covers) ? FirewallMatch::yes : FirewallMatch::no;
}

FirewallMatch match_protocol(const WindowsFirewallRule& rule) {
    const auto protocols = rule.values("Protocol");
    if (protocols.empty()) return FirewallMatch::yes;
    constexpr std::string_view fitting[] = {"6", "256", "any", "*"};
    const auto fits = [&](std::string_view protocol) {
        return std::ranges::any_of(fitting, [&](auto one) { return boost::iequals(one, protocol); });
    };
    return std::ranges::any_of(protocols, fits) ? FirewallMatch::yes : FirewallMatch::no;
}

/// Compares by file name, because the agent's folders contain its version.
FirewallMatch match_program(const WindowsFirewallRule& rule) {
    for (const auto program : rule.values("App")) {
        const auto name = program.substr(program.find_last_of("\\/") + 1);
        const auto is_it = [&](std::string_view own) { return boost::iequals(own, name); };
        if (std::ranges::none_of(agent_programs, is_it)) return FirewallMatch::no;
    }
    for (const auto service : rule.values("Svc")) {
        const auto is_it = [&](std::string_view own) { return boost::iequals(own, service); };
        if (std::ranges::none_of(agent_services, is_it)) return FirewallMatch::no;
    }
    // A packaged app of a user.
    return rule.values("AppPkgId").empty() && rule.values("LUOwn").empty() ? FirewallMatch::yes : FirewallMatch::no;
}

/// A rule without profiles applies to all three.
FirewallMatch match_profile(const WindowsFirewallRule& rule) {
    const auto profiles = rule.values("Profile");
    return profiles.empty() || profiles.size() >= 3 ? FirewallMatch::yes : FirewallMatch::maybe;
}

bool has_other_condition(const WindowsFirewallRule& rule) {
    constexpr std::string_view judged[] = {"Protocol", "RPort",    "RPort2_10", "RPort2_20", "RPort2_24",
                                           "RA4",      "RA42",     "RA6",       "RA62",      "App",
                                           "Svc",      "AppPkgId", "LUOwn",     "Profile"};
    return std::ranges::any_of(rule.fields, [&](const auto& field) {
        const auto is_it = [&](std::string_view name) { return boost::iequals(name, field.first); };
        return std::ranges::none_of(judged, is_it) && std::ranges::none_of(descriptions, is_it);
    });
}

void add_rules(const Machine& machine, const std::string& key, bool is_policy,
               std::vector<WindowsFirewallRule>& rules) {
    const auto names = machine.registry().value_names(key);
    if (!names) return;
    for (const auto& name : *names) {
        const auto text = registry_text(machine, key, name);
        if (!text || !*text) continue;
        auto rule = parse_windows_firewall_rule(**text);
        if (!rule) continue;
        rule->key = key;
        rule->id = name;
        rule->is_policy = is_policy;
        rules.push_back(std::move(*rule));
    }
}

}  // namespace

std::vector<std::string_view> WindowsFirewallRule::values(std::string_view field) const {
    std::vector<std::string_view> found;
    for (const auto& [known, value] : fields) {
        if (boost::iequals(known, field)) found.push_back(value);
    }
    return found;
}

Result<WindowsFirewallRule> parse_windows_firewall_rule(std::string_view text) {
    WindowsFirewallRule rule;
    rule.text = text;
    bool has_action = false;
    for (auto rest = text; !rest.empty();) {
        const auto end = std::min(rest.find('|'), rest.size());
        const auto part = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 1, rest.size()));
        const auto equals = part.find('=');
        if (equals == part.npos) continue;  // "v2.31", or a name that some script put in its place
        const auto name = part.substr(0, equals);
        const auto value = part.substr(equals + 1);
        rule.fields.emplace_back(name, value);
        if (boost::iequals(name, "Action")) {
            has_action = true;
            rule.blocks = boost::iequals(value, "Block");
        }
        if (boost::iequals(name, "Active")) rule.is_active = boost::iequals(value, "TRUE");
        if (boost::iequals(name, "Dir")) rule.is_outbound = boost::iequals(value, "Out");
        if (boost::iequals(name, "Name")) rule.name = value;
    }
    if (has_action) return rule;
    return machine::Error::invalid("expected fields \"Action=...|Dir=...|\" separated by |");
}

FirewallMatch matches_agent_traffic(const WindowsFirewallRule& rule, std::string_view address, std::uint16_t port) {
    if (!rule.is_active || !rule.is_outbound) return FirewallMatch::no;
    auto match = lesser(match_protocol(rule), match_port(rule, port));
    match = lesser(match, match_address(rule, address));
    match = lesser(match, lesser(match_program(rule), match_profile(rule)));
    return has_other_condition(rule) ? lesser(match, FirewallMatch::maybe) : match;
}

Result<std::vector<WindowsFirewallRule>> windows_firewall_rules(const Machine& machine) {
    const auto local = fmt::format("{}\\FirewallRules", local_policy);
    const auto names = machine.registry().value_names(local);
    if (!names && names.error().kind != ErrorKind::not_found) return names.error();
    std::vector<WindowsFirewallRule> rules;
    add_rules(machine, local, false, rules);
    add_rules(machine, fmt::format("{}\\FirewallRules", group_policy), true, rules);
    return rules;
}

std::vector<BlockingProfile> profiles_that_block_outbound(const Machine& machine) {
    struct Place {
        const char* key;
        bool is_policy;
        const char* profiles[3];
    };
    constexpr Place places[] = {{local_policy, false, {"DomainProfile", "StandardProfile", "PublicProfile"}},
                                {group_policy, true, {"DomainProfile", "PrivateProfile", "PublicProfile"}}};
    std::vector<BlockingProfile> blocking;
    for (const auto& place : places) {
        for (const auto* profile : place.profiles) {
            const auto key = fmt::format("{}\\{}", place.key, profile);
            const auto action = registry_number(machine, key, "DefaultOutboundAction");
            const auto enabled = registry_number(machine, key, "EnableFirewall");
            const bool blocks = action && *action && **action == 1;
            const bool is_off = enabled && *enabled && **enabled == 0;
            if (blocks && !is_off) blocking.push_back({key, place.is_policy});
        }
    }
    return blocking;
}

}  // namespace remediations
