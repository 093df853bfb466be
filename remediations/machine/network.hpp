#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "remediations/machine/result.hpp"

namespace machine {

struct HttpRequest {
    std::string host;  ///< address or name
    std::uint16_t port = 80;
    std::string path = "/";
    std::vector<std::pair<std::string, std::string>> headers;
    std::chrono::milliseconds timeout = std::chrono::seconds(2);

    friend bool operator==(const HttpRequest&, const HttpRequest&) = default;
};

struct HttpResponse {
    unsigned status = 0;
    std::string body;       ///< at most 1 MiB
    std::string date = {};  ///< the Date header, unchanged; empty without one

    friend bool operator==(const HttpResponse&, const HttpResponse&) = default;
};

struct NetworkInterface {
    std::string name;  ///< "eth0"; on Windows "Ethernet", which is localized
    std::string mac;   ///< lower case, "00:0d:3a:..."; empty for loopback and tunnels
    bool up = false;
    std::vector<std::string> addresses;  ///< IPv4 and IPv6 without prefix length, the primary one first

    friend bool operator==(const NetworkInterface&, const NetworkInterface&) = default;
};

/// Network probes. They tell apart a connection that is refused, that times out, and that has no route (ErrorKind
/// refused, timed_out, unreachable). They never use a proxy.
class Network {
public:
    virtual ~Network() = default;

    virtual Result<HttpResponse> get(const HttpRequest& request) const = 0;

    /// Resolves a host name to IPv4 and IPv6 addresses.
    virtual Result<std::vector<std::string>> resolve(const std::string& host,
                                                     std::chrono::milliseconds timeout) const = 0;

    /// Returns the local address that the routing table selects for sending to `address`. Sends nothing.
    /// ErrorKind::unreachable without a route.
    virtual Result<std::string> source_address(const std::string& address) const = 0;

    virtual Result<std::vector<NetworkInterface>> interfaces() const = 0;
};

}  // namespace machine
