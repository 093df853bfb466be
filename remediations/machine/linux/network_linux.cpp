#include "remediations/machine/linux/network_linux.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netpacket/packet.h>

#include <algorithm>
#include <array>
#include <memory>

#include "remediations/machine/http_probe.hpp"
#include "remediations/machine/linux/resolver.hpp"
#include "remediations/machine/linux/system_error.hpp"
#include "remediations/machine/source_address.hpp"

namespace machine::local {

namespace {

std::string mac_in(const sockaddr_ll& hardware) {
    if (hardware.sll_hatype != ARPHRD_ETHER || hardware.sll_halen != 6) {
        return {};
    }
    return fmt::format("{:02x}", fmt::join(&hardware.sll_addr[0], &hardware.sll_addr[6], ":"));
}

/// Returns an empty text for other address families.
std::string address_in(const sockaddr& address) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (address.sa_family == AF_INET) {
        ::inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in&>(address).sin_addr, text.data(), text.size());
    } else if (address.sa_family == AF_INET6) {
        ::inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6&>(address).sin6_addr, text.data(), text.size());
    }
    return text.data();
}

}  // namespace

Result<HttpResponse> LinuxNetwork::get(const HttpRequest& request) const {
    return http_get(request, [](const std::string& host, std::chrono::milliseconds timeout) {
        return resolve_host(host, timeout);
    });
}

Result<std::vector<std::string>> LinuxNetwork::resolve(const std::string& host,
                                                       std::chrono::milliseconds timeout) const {
    return resolve_host(host, timeout);
}

Result<std::string> LinuxNetwork::source_address(const std::string& address) const {
    return source_address_for(address);
}

Result<std::vector<NetworkInterface>> LinuxNetwork::interfaces() const {
    ifaddrs* first = nullptr;
    if (::getifaddrs(&first) != 0) {
        return system_error("cannot list the network interfaces");
    }
    const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> owner(first, ::freeifaddrs);
    std::vector<NetworkInterface> interfaces;
    // First one entry for each interface, then one for each of its addresses.
    for (const ifaddrs* entry = first; entry != nullptr; entry = entry->ifa_next) {
        auto known = std::ranges::find(interfaces, entry->ifa_name, &NetworkInterface::name);
        if (known == interfaces.end()) {
            interfaces.push_back({entry->ifa_name, {}, (entry->ifa_flags & IFF_UP) != 0, {}});
            known = interfaces.end() - 1;
        }
        if (entry->ifa_addr == nullptr) {
            continue;
        }
        if (entry->ifa_addr->sa_family == AF_PACKET) {
            known->mac = mac_in(*reinterpret_cast<const sockaddr_ll*>(entry->ifa_addr));
        } else if (auto address = address_in(*entry->ifa_addr); !address.empty()) {
            known->addresses.push_back(std::move(address));
        }
    }
    return interfaces;
}

}  // namespace machine::local
