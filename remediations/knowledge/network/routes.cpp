#include "remediations/knowledge/network/routes.hpp"
#include "remediations/machine/ipv4.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <boost/algorithm/string/classification.hpp>
#include <boost/algorithm/string/split.hpp>
#include <boost/endian/conversion.hpp>
#include <charconv>
#include <optional>

namespace remediations {

namespace {

constexpr auto route_table = "/proc/net/route";
// linux/route.h
constexpr std::uint32_t flag_up = 0x0001;
constexpr std::uint32_t flag_reject = 0x0200;
/// What the kernel prints for the interface of a route that leads nowhere.
constexpr std::string_view no_interface = "*";

std::optional<std::uint32_t> hexadecimal(const std::string& digits) {
    std::uint32_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
    if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
    return value;
}

/// Parses an address that the kernel prints as a number in this machine's byte order; every Azure VM is little-endian.
std::optional<std::uint32_t> address(const std::string& digits) {
    const auto value = hexadecimal(digits);
    if (!value) return std::nullopt;
    return boost::endian::endian_reverse(*value);
}

/// `rejects_aloud`: the sender is told.
std::string described(const Route& route, bool rejects_aloud) {
    const auto network = route.is_default()
                             ? std::string("default")
                             : fmt::format("{}/{}", machine::ipv4_text(route.destination), std::popcount(route.mask));
    if (route.interface == no_interface && !rejects_aloud) return "blackhole " + network;
    if (route.rejects) return "unreachable " + network;
    if (route.gateway == 0) return fmt::format("{} dev {}", network, route.interface);
    return fmt::format("{} via {} dev {}", network, machine::ipv4_text(route.gateway), route.interface);
}

}  // namespace

std::vector<Route> parse_routes(std::string_view text) {
    std::vector<std::string> lines;
    boost::split(lines, text, boost::is_any_of("\n"));
    std::vector<Route> routes;
    for (const auto& line : lines) {
        // Iface Destination Gateway Flags RefCnt Use Metric Mask ...
        std::vector<std::string> columns;
        boost::split(columns, line, boost::is_any_of("\t "), boost::token_compress_on);
        if (columns.size() < 8) continue;
        const auto destination = address(columns[1]), gateway = address(columns[2]), mask = address(columns[7]);
        const auto flags = hexadecimal(columns[3]);
        if (!destination || !gateway || !mask || !flags) continue;
        const bool rejects_aloud = (*flags & flag_reject) != 0;
        Route route{columns[0],
                    *destination,
                    *mask,
                    *gateway,
                    (*flags & flag_up) != 0,
                    rejects_aloud || columns[0] == no_interface,
                    {}};
        route.text = described(route, rejects_aloud);
        routes.push_back(std::move(route));
    }
    return routes;
}

machine::Result<std::vector<Route>> routes_of(const machine::Machine& machine) {
    const auto text = machine.files().read(route_table);
    if (!text) return text.error();
    return parse_routes(*text);
}

InterfaceKind kind_of_interface(const machine::Machine& machine, const std::string& name) {
    if (machine.files().status("/sys/class/net/" + name + "/device")) return InterfaceKind::hardware;
    const auto names = machine.files().list("/sys/devices/virtual/net/" + name);
    if (!names) return InterfaceKind::unknown;
    const bool is_built_on_another =
        std::ranges::any_of(*names, [](const std::string& entry) { return entry.starts_with("lower_"); });
    return is_built_on_another ? InterfaceKind::hardware : InterfaceKind::software;
}

bool has_ipv4(const machine::NetworkInterface& interface) {
    return std::ranges::any_of(interface.addresses,
                               [](const std::string& address) { return machine::parse_ipv4(address).has_value(); });
}

const machine::NetworkInterface* interface_with(const std::vector<machine::NetworkInterface>& interfaces,
                                                const std::string& wanted) {
    const auto found = std::ranges::find_if(interfaces, [&](const auto& entry) {
        return std::ranges::find(entry.addresses, wanted) != entry.addresses.end();
    });
    return found == interfaces.end() ? nullptr : &*found;
}

}  // namespace remediations
