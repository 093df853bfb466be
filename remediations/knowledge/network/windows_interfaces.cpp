#include "remediations/knowledge/network/windows_interfaces.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "remediations/knowledge/windows/registry_values.hpp"

namespace remediations {

using machine::ErrorKind;
using machine::Machine;
using machine::Result;

namespace {

constexpr auto interfaces_key = R"(HKLM\SYSTEM\CurrentControlSet\Services\Tcpip\Parameters\Interfaces)";
/// Class of network adapters.
constexpr auto names_key = R"(HKLM\SYSTEM\CurrentControlSet\Control\Network\{4D36E972-E325-11CE-BFC1-08002BE10318})";
constexpr std::uint32_t platform_option = 245;

std::uint32_t number_at(const std::vector<std::uint8_t>& bytes, std::size_t at) {
    return bytes[at] | std::uint32_t{bytes[at + 1]} << 8 | std::uint32_t{bytes[at + 2]} << 16 |
           std::uint32_t{bytes[at + 3]} << 24;
}

std::string text_of(const Machine& machine, const std::string& key, const char* name) {
    const auto text = registry_text(machine, key, name);
    return text && *text ? **text : std::string();
}

std::vector<std::string> list_of(const Machine& machine, const std::string& key, const char* name) {
    const auto value = machine.registry().value(key, name);
    if (!value) return {};
    std::vector<std::string> list;
    if (const auto* texts = std::get_if<std::vector<std::string>>(&value->data)) list = *texts;
    if (const auto* text = std::get_if<std::string>(&value->data)) list = {*text};
    std::erase_if(list, [](const auto& address) { return address.empty() || address == "0.0.0.0"; });
    return list;
}

std::optional<std::string> platform_address_in(const Machine& machine, const std::string& key) {
    const auto value = machine.registry().value(key, "DhcpInterfaceOptions");
    const auto* bytes = value ? std::get_if<std::vector<std::uint8_t>>(&value->data) : nullptr;
    if (!bytes) return std::nullopt;
    const auto options = parse_dhcp_options(*bytes);
    const auto option = options.find(platform_option);
    if (option == options.end() || option->second.size() != 4) return std::nullopt;
    const auto& address = option->second;
    return fmt::format("{}.{}.{}.{}", address[0], address[1], address[2], address[3]);
}

}  // namespace

std::map<std::uint32_t, std::vector<std::uint8_t>> parse_dhcp_options(const std::vector<std::uint8_t>& bytes) {
    constexpr std::size_t header = 20;
    std::map<std::uint32_t, std::vector<std::uint8_t>> options;
    for (std::size_t at = 0; at + header <= bytes.size();) {
        const auto code = number_at(bytes, at);
        const std::size_t length = number_at(bytes, at + 8);
        at += header;
        if (length > bytes.size() - at) break;
        const auto begin = bytes.begin() + static_cast<std::ptrdiff_t>(at);
        if (length > 0) options[code].assign(begin, begin + static_cast<std::ptrdiff_t>(length));
        at += (length + 3) / 4 * 4;
    }
    return options;
}

Result<std::vector<WindowsInterface>> windows_interfaces(const Machine& machine) {
    const auto names = machine.registry().subkeys(interfaces_key);
    if (!names) return names.error();
    std::vector<WindowsInterface> interfaces;
    for (const auto& name : *names) {
        WindowsInterface interface;
        interface.key = fmt::format("{}\\{}", interfaces_key, name);
        interface.name = text_of(machine, fmt::format("{}\\{}\\Connection", names_key, name), "Name");
        const auto dhcp = registry_number(machine, interface.key, "EnableDHCP");
        if (!dhcp && dhcp.error().kind != ErrorKind::not_found) return dhcp.error();
        interface.uses_dhcp = !dhcp || !*dhcp || **dhcp != 0;
        interface.addresses = list_of(machine, interface.key, interface.uses_dhcp ? "DhcpIPAddress" : "IPAddress");
        if (interface.uses_dhcp) {
            interface.dhcp_server = text_of(machine, interface.key, "DhcpServer");
            interface.platform_address = platform_address_in(machine, interface.key);
        }
        if (interface.has_address()) interfaces.push_back(std::move(interface));
    }
    return interfaces;
}

}  // namespace remediations
