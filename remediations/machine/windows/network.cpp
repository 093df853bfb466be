#include "remediations/machine/network.hpp"

#include <winsock2.h>
#include <ws2tcpip.h>

#include <iphlpapi.h>  // after Winsock

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "remediations/machine/http_probe.hpp"
#include "remediations/machine/source_address.hpp"
#include "remediations/machine/time_limit.hpp"
#include "remediations/machine/windows/parts.hpp"
#include "remediations/machine/windows/system_error.hpp"
#include "remediations/machine/windows/text.hpp"
#include "remediations/machine/windows/unique_handle.hpp"

namespace machine::windows {

namespace {

using Addresses = std::vector<std::string>;

/// Keeps Winsock usable while it lives.
class Winsock {
public:
    Winsock() { WSAStartup(MAKEWORD(2, 2), &data_); }
    Winsock(const Winsock&) = delete;
    Winsock& operator=(const Winsock&) = delete;
    ~Winsock() { WSACleanup(); }

private:
    WSADATA data_{};
};

std::string numeric_text(const ADDRINFOW& info) {
    wchar_t text[INET6_ADDRSTRLEN + 16];
    const auto failed = GetNameInfoW(info.ai_addr, static_cast<socklen_t>(info.ai_addrlen), text,
                                     static_cast<DWORD>(std::size(text)), nullptr, 0, NI_NUMERICHOST);
    return failed ? std::string{} : to_utf8(text);
}

/// Has no time limit of its own: a dead name server delays it for many seconds.
Result<Addresses> ask_system(const std::wstring& host) {
    const Winsock winsock;
    ADDRINFOW hints{};
    hints.ai_socktype = SOCK_STREAM;
    UniqueHandle<ADDRINFOW*, &FreeAddrInfoW> list;
    const auto code = GetAddrInfoW(host.c_str(), nullptr, &hints, list.receive());
    if (code != 0) {
        auto error = windows_error(static_cast<DWORD>(code), "resolve", to_utf8(host));
        if (code == WSAHOST_NOT_FOUND || code == WSANO_DATA) error.kind = ErrorKind::not_found;
        if (code == WSATRY_AGAIN) error.kind = ErrorKind::timed_out;
        return error;
    }
    Addresses addresses;
    for (const auto* info = list.get(); info; info = info->ai_next) {
        if (auto address = numeric_text(*info); !address.empty()) addresses.push_back(std::move(address));
    }
    return addresses;
}

std::string numeric_text(const SOCKET_ADDRESS& address) {
    ADDRINFOW info{};
    info.ai_addr = address.lpSockaddr;
    info.ai_addrlen = static_cast<std::size_t>(address.iSockaddrLength);
    const auto text = numeric_text(info);
    return text.substr(0, text.find('%'));  // without the scope of a link-local one
}

NetworkInterface describe(const IP_ADAPTER_ADDRESSES& adapter) {
    NetworkInterface result;
    result.name = to_utf8(adapter.FriendlyName);
    result.up = adapter.OperStatus == IfOperStatusUp;
    if (adapter.IfType != IF_TYPE_SOFTWARE_LOOPBACK && adapter.PhysicalAddressLength == 6) {
        result.mac = fmt::format("{:02x}", fmt::join(&adapter.PhysicalAddress[0], &adapter.PhysicalAddress[6], ":"));
    }
    for (const auto* address = adapter.FirstUnicastAddress; address; address = address->Next) {
        if (auto text = numeric_text(address->Address); !text.empty()) result.addresses.push_back(std::move(text));
    }
    return result;
}

IP_ADAPTER_ADDRESSES* first_adapter(std::vector<std::uint64_t>& buffer) {
    return reinterpret_cast<IP_ADAPTER_ADDRESSES*>(buffer.data());
}

class WindowsNetwork final : public Network {
public:
    Result<HttpResponse> get(const HttpRequest& request) const override {
        return http_get(request, [this](const std::string& host, auto timeout) { return resolve(host, timeout); });
    }

    Result<Addresses> resolve(const std::string& host, std::chrono::milliseconds timeout) const override {
        const auto name = to_wide_name(host);
        if (!name) return name.error();
        return with_time_limit<Addresses>(timeout, "resolve " + host, [name = *name] { return ask_system(name); });
    }

    Result<std::string> source_address(const std::string& address) const override {
        return source_address_for(address);
    }

    Result<std::vector<NetworkInterface>> interfaces() const override {
        constexpr ULONG flags = GAA_FLAG_SKIP_ANYCAST | GAA_FLAG_SKIP_MULTICAST | GAA_FLAG_SKIP_DNS_SERVER;
        // Again where an adapter has appeared between two questions.
        std::vector<std::uint64_t> buffer;  // aligned for the structures in it
        ULONG size = 16384;
        ULONG code = ERROR_BUFFER_OVERFLOW;
        for (int attempt = 0; attempt < 3 && code == ERROR_BUFFER_OVERFLOW; ++attempt) {
            buffer.resize(size / sizeof(std::uint64_t) + 1);
            code = GetAdaptersAddresses(AF_UNSPEC, flags, nullptr, first_adapter(buffer), &size);
        }
        std::vector<NetworkInterface> interfaces;
        if (code == ERROR_NO_DATA || code == ERROR_ADDRESS_NOT_ASSOCIATED) return interfaces;
        if (code != ERROR_SUCCESS) return windows_error(code, "list", "the network interfaces");
        for (const auto* adapter = first_adapter(buffer); adapter; adapter = adapter->Next) {
            interfaces.push_back(describe(*adapter));
        }
        return interfaces;
    }

private:
    Winsock winsock_;
};

}  // namespace

std::unique_ptr<Network> make_network() {
    return std::make_unique<WindowsNetwork>();
}

}  // namespace machine::windows
