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
    std::string target;  ///< path and query; it may be signed, so that no error names it
    std::vector<std::pair<std::string, std::string>> headers;
    std::string body;
    std::chrono::milliseconds timeout = std::chrono::seconds(60);  ///< for all of it
    std::size_t body_limit = std::size_t{1} << 20;                 ///< a longer answer is ErrorKind::too_large
    /// Linux: "host:port" of an HTTP proxy that is asked for a tunnel (CONNECT); empty for none.
    std::string proxy = {};
};

struct HttpsResponse : HttpResponse {
    std::multimap<std::string, std::string> headers = {};  ///< by lower-case name, at most 64 KiB

    /// The first of that lower-case name; empty without one.
    std::string header(const std::string& name) const;
};

/// TLS 1.2 or later; the server's certificate must be good for `host` and come from an authority that this computer
/// trusts, or from one in the PEM file `authorities` where it is given. Redirects are not followed. An answer that is
/// cut short is an error. Windows: the proxy of WinHTTP.
Result<HttpsResponse> https(const HttpsRequest& request, const std::filesystem::path& authorities = {});

}  // namespace machine::local
