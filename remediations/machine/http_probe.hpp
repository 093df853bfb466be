#pragma once

#include <functional>

#include "remediations/machine/network.hpp"

namespace machine {

/// Resolves a host name to addresses, like Network::resolve.
using Resolver =
    std::function<Result<std::vector<std::string>>(const std::string& host, std::chrono::milliseconds timeout)>;

/// Sends one GET over HTTP/1.1 to exactly this host: no proxy, no redirect, no reuse of a connection. `request.timeout`
/// limits the whole call. A host that is an address is connected at once; a name is resolved with `resolve`. Tries the
/// addresses in turn; where all fail, the first failure is returned. Errors: refused, timed_out, unreachable = the
/// connection; invalid = the request cannot be sent, or the answer is not HTTP; too_large = a body above 1 MiB.
Result<HttpResponse> http_get(const HttpRequest& request, const Resolver& resolve);

}  // namespace machine
