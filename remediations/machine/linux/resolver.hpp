#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "remediations/machine/result.hpp"

namespace machine::local {

/// Resolves a host name with /etc/hosts and the servers of /etc/resolv.conf. Uses c-ares, because glibc's getaddrinfo
/// loads shared modules, which a static executable cannot do. `servers` ("127.0.0.1:5353", comma-separated) replaces
/// those of resolv.conf if it is not empty. Errors: not_found; timed_out = no server answers; unreachable = no server
/// could be asked; refused = the server refuses to answer; invalid = not a host name, or a broken answer.
Result<std::vector<std::string>> resolve_host(const std::string& host, std::chrono::milliseconds timeout,
                                              const std::string& servers = {});

}  // namespace machine::local
