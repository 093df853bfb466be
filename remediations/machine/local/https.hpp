#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "remediations/machine/network.hpp"

namespace machine::local {

struct HttpsRequest {
    std::string method;  ///< "PUT"
    std::string host;
    std::uint16_t port = 443;
    std::string target;  ///< path and query; it may be signed, so no error message contains it
    std::vector<std::pair<std::string, std::string>> headers;
    std::string body;
    std::chrono::milliseconds timeout = std::chrono::seconds(60);  ///< for the whole exchange
    std::size_t body_limit = std::size_t{1} << 20;  ///< in bytes; a longer answer is ErrorKind::too_large
    /// Linux: "host:port" of an HTTP proxy that supports CONNECT; empty for none.
    std::string proxy = {};
};

struct HttpsResponse : HttpResponse {
    std::multimap<std::string, std::string> headers = {};  ///< by lower-case name, at most 64 KiB

    /// Returns the first header with this lower-case name; empty without one.
    std::string header(const std::string& name) const;
};

/// Sends one request over TLS 1.2 or later. The server's certificate must be valid for `host` and come from an
/// authority that this computer trusts, or from one in the PEM file `authorities` where it is given. Does not follow
/// redirects. An incomplete answer is an error. Windows: uses the proxy of WinHTTP.
Result<HttpsResponse> https(const HttpsRequest& request, const std::filesystem::path& authorities = {});

}  // namespace machine::local
