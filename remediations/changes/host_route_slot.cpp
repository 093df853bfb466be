#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <boost/algorithm/string/classification.hpp>
#include <boost/algorithm/string/split.hpp>
#include <boost/json.hpp>
#include <optional>

#include "remediations/changes/host_route.hpp"
#include "remediations/changes/slot_kind.hpp"
#include "remediations/machine/ipv4.hpp"

namespace remediations {

using machine::Command;
using machine::Error;
using machine::Machine;
using machine::Result;
namespace json = boost::json;

namespace {

using RouteWords = std::vector<std::string>;

constexpr std::string_view unicast = "unicast";
/// Routes that send nothing.
constexpr std::string_view refusing_types[] = {"blackhole", "unreachable", "prohibit", "throw"};
/// What the kernel knows of a route's state, which nobody sets.
constexpr std::string_view states_of_a_route[] = {"linkdown", "dead"};

RouteWords split_words(std::string_view text) {
    RouteWords words;
    boost::split(words, text, boost::is_any_of(" \t"), boost::token_compress_on);
    std::erase(words, std::string());
    return words;
}

bool is_one_of(std::string_view word, const auto& words) {
    return std::ranges::find(words, word) != std::end(words);
}

/// What ip takes as a name, and nothing that could be an option.
bool is_name(std::string_view text, std::string_view further) {
    const auto allowed = [&](unsigned char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               further.find(static_cast<char>(c)) != further.npos;
    };
    return !text.empty() && text.front() != '-' && text.front() != '.' && std::ranges::all_of(text, allowed);
}

bool is_interface_name(std::string_view text) {
    constexpr std::size_t longest = 15;  // IFNAMSIZ, linux/if.h
    return text.size() <= longest && is_name(text, "_-.@:");
}

Error not_understood(const std::string& what) {
    return machine::Error::unsupported("route: " + what);
}

Result<void> check(const HostRoute& route) {
    const bool leads_somewhere = route.type == unicast;
    if (!leads_somewhere && !is_one_of(route.type, refusing_types)) {
        return not_understood("'" + route.type + "' is no type that is known here");
    }
    if (leads_somewhere == route.interface.empty()) {
        return not_understood(leads_somewhere ? "it names no interface" : "a " + route.type + " names an interface");
    }
    if (!route.interface.empty() && !is_interface_name(route.interface)) {
        return not_understood("'" + route.interface + "' is not the name of an interface");
    }
    for (const auto* address : {&route.gateway, &route.source}) {
        if (!address->empty() && !machine::parse_ipv4(*address)) {
            return not_understood("'" + *address + "' is not an IPv4 address");
        }
    }
    for (const auto* name : {&route.protocol, &route.scope}) {
        if (!name->empty() && !is_name(*name, "_-.")) return not_understood("'" + *name + "' is no name");
    }
    return {};
}

class HostRouteSlot final : public Slot {
public:
    HostRouteSlot(machine::Path program, std::string address)
        : program_(std::move(program)), address_(std::move(address)) {}

    json::object identity() const override {
        return {{"kind", "host-route"}, {"program", program_}, {"address", address_}};
    }

    std::string describe(const SlotValue& before, const SlotValue& after) const override {
        if (after.is_null()) return fmt::format("remove the route to {}: {}", address_, show(before));
        const auto instead = before.is_null() ? std::string() : fmt::format(" instead of {}", show(before));
        return fmt::format("route {} {}{}", address_, show(after), instead);
    }

    Result<SlotValue> read(const Machine& machine) const override {
        const auto route = current(machine);
        if (!route) return route.error();
        return *route ? SlotValue(words_of(**route)) : SlotValue(nullptr);
    }

    Result<void> write(Machine& machine, const SlotValue& value) const override {
        if (value.is_null()) {
            const auto present = current(machine);
            if (!present) return present.error();
            return *present ? run(machine, command("delete", **present)) : Result<void>();
        }
        if (!value.is_string()) return invalid_value("the route to " + address_ + " is no text");
        const auto route = host_route_from(std::string_view(value.get_string()));
        if (!route) return invalid_value(route.error().message);
        return run(machine, command("replace", *route));
    }

private:
    Result<void> check_identity() const {
        if (!program_.starts_with('/')) return invalid_value("'" + program_ + "' is not the path of a program");
        if (!machine::parse_ipv4(address_)) return invalid_value("'" + address_ + "' is not an IPv4 address");
        return {};
    }

    Command command(const char* verb, const HostRoute& route) const {
        RouteWords words{"-4", "route", verb};
        if (route.type != unicast) words.push_back(route.type);
        words.push_back(address_ + "/32");
        auto rest = split_words(words_of(route));
        if (route.type != unicast) rest.erase(rest.begin());
        std::ranges::move(rest, std::back_inserter(words));
        return {program_, std::move(words)};
    }

    /// The route with metric 0, which ip does not print; those of the others are left alone.
    Result<std::optional<HostRoute>> current(const Machine& machine) const {
        if (auto checked = check_identity(); !checked) return checked.error();
        const auto output =
            machine.processes().query({program_, {"-4", "route", "show", "table", "main", "exact", address_ + "/32"}});
        if (!output) return output.error();
        if (output->exit_code != 0) return refused(*output);
        std::vector<std::string> lines;
        boost::split(lines, output->out, boost::is_any_of("\n"));
        std::optional<HostRoute> found;
        bool is_hop_of_another = false;
        for (const auto& line : lines) {
            auto words = split_words(line);
            if (words.empty()) continue;
            if (words.front() == "nexthop" && is_hop_of_another) continue;
            is_hop_of_another = is_one_of("metric", words);
            if (is_hop_of_another) continue;
            const auto at = std::ranges::find_if(
                words, [&](const auto& word) { return word == address_ || word == address_ + "/32"; });
            if (at != words.end() && at - words.begin() <= 1) words.erase(at);
            auto route = host_route_from(fmt::format("{}", fmt::join(words, " ")));
            if (!route) {
                auto error = route.error();
                error.message =
                    fmt::format("{} has a route that cannot be put back ({}): {}", address_, line, error.message);
                return error;
            }
            if (found) return not_understood(address_ + " has two routes of metric 0");
            found = std::move(*route);
        }
        return found;
    }

    Error refused(const machine::CommandOutput& output) const {
        return machine::Error::refused(fmt::format("{} ended with exit code {}: {}", program_, output.exit_code,
                                                   output.err.substr(0, output.err.find('\n'))),
                                       output.exit_code);
    }

    Result<void> run(Machine& machine, const Command& command) const {
        if (auto checked = check_identity(); !checked) return checked;
        const auto output = machine.processes().run(command);
        if (!output) return output.error();
        return output->exit_code == 0 ? Result<void>() : refused(*output);
    }

    machine::Path program_;
    std::string address_;
};

Result<std::unique_ptr<Slot>> host_route_slot_from(const json::object& identity) {
    return host_route_slot(text_of(identity, "program"), text_of(identity, "address"));
}

}  // namespace

std::string words_of(const HostRoute& route) {
    RouteWords words;
    if (route.type != unicast) words.push_back(route.type);
    const auto add = [&](const char* word, const std::string& value) {
        if (!value.empty()) words.insert(words.end(), {word, value});
    };
    add("via", route.gateway);
    add("dev", route.interface);
    add("proto", route.protocol);
    add("scope", route.scope);
    add("src", route.source);
    if (route.on_link) words.emplace_back("onlink");
    return fmt::format("{}", fmt::join(words, " "));
}

Result<HostRoute> host_route_from(std::string_view text) {
    const auto words = split_words(text);
    HostRoute route;
    auto word = words.begin();
    if (word != words.end() && (*word == unicast || is_one_of(*word, refusing_types))) route.type = *word++;
    for (; word != words.end(); ++word) {
        if (is_one_of(*word, states_of_a_route)) continue;
        if (*word == "onlink") {
            route.on_link = true;
            continue;
        }
        auto* value = *word == "via"     ? &route.gateway
                      : *word == "dev"   ? &route.interface
                      : *word == "proto" ? &route.protocol
                      : *word == "scope" ? &route.scope
                      : *word == "src"   ? &route.source
                                         : nullptr;
        if (!value || !value->empty()) return not_understood("'" + *word + "' is not known here");
        if (++word == words.end()) return not_understood("a word is missing at its end");
        *value = *word;
    }
    if (auto checked = check(route); !checked) return checked.error();
    return route;
}

Result<machine::Path> ip_program(const Machine& machine) {
    for (const auto* path : {"/usr/sbin/ip", "/sbin/ip", "/usr/bin/ip", "/bin/ip"}) {
        if (machine.files().status(path)) return machine::Path(path);
    }
    return machine::Error::not_found("ip (iproute2) is not installed");
}

std::unique_ptr<Slot> host_route_slot(machine::Path ip_program, std::string address) {
    return std::make_unique<HostRouteSlot>(std::move(ip_program), std::move(address));
}

extern const SlotKind host_route_kind{"host-route", {"program", "address"}, host_route_slot_from};

}  // namespace remediations
