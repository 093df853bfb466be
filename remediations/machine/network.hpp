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
    std::string body;  ///< at most 1 MiB

    friend bool operator==(const HttpResponse&, const HttpResponse&) = default;
};

/// Probes that tell a refused, a timed-out and an unrouted connection apart (ErrorKind refused,
/// timed_out, unreachable). No proxy is ever used.
class Network {
public:
    virtual ~Network() = default;

    virtual Result<HttpResponse> get(const HttpRequest& request) const = 0;

    /// Addresses of a host name, IPv4 and IPv6.
    virtual Result<std::vector<std::string>> resolve(const std::string& host,
                                                     std::chrono::milliseconds timeout) const = 0;
};

}  // namespace machine
