#pragma once

#include <functional>

#include "remediations/machine/network.hpp"

namespace machine {

/// Turns a host name into addresses; Network::resolve.
using Resolver =
    std::function<Result<std::vector<std::string>>(const std::string& host, std::chrono::milliseconds timeout)>;

/// One GET over HTTP/1.1 to exactly this host: no proxy, no redirect, no reuse of a connection.
/// `request.timeout` bounds it all. An address connects at once, a name is asked of `resolve`; of
/// several addresses each is tried, and the first one's failure is reported.
/// Errors: refused, timed_out, unreachable = the connection; invalid = a request that cannot be
/// sent, or an answer that is not HTTP; too_large = a body above 1 MiB.
Result<HttpResponse> http_get(const HttpRequest& request, const Resolver& resolve);

}  // namespace machine
