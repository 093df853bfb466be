#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "remediations/machine/network.hpp"

namespace machine::local {

struct HttpsRequest {
    std::string method;  ///< "PUT"
    std::string host;
    std::uint16_t port = 443;
    std::string target;  ///< path and query; it may be signed, so that no error names it
    std::vector<std::pair<std::string, std::string>> headers;
    std::string body;
    std::chrono::milliseconds timeout = std::chrono::seconds(60);  ///< for all of it
};

/// TLS 1.2 or later; the server's certificate must be good for `host` and come from an authority that this computer
/// trusts, or from one in the PEM file `authorities` where it is given. Redirects are not followed. Linux: no proxy.
/// Windows: the proxy of WinHTTP.
Result<HttpResponse> https(const HttpsRequest& request, const std::filesystem::path& authorities = {});

}  // namespace machine::local
