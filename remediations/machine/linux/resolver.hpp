#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "remediations/machine/result.hpp"

namespace machine::local {

/// Addresses of a host name from /etc/hosts and the servers of /etc/resolv.conf.
/// By c-ares, because glibc's getaddrinfo loads shared modules, which a static executable cannot.
/// `servers` ("127.0.0.1:5353", comma-separated) take the place of those in resolv.conf when given.
/// Errors: not_found; timed_out = no server answers; unreachable = none could be asked; refused = the
/// server declines to answer; invalid = not a host name, or a broken answer.
Result<std::vector<std::string>> resolve_host(const std::string& host, std::chrono::milliseconds timeout,
                                              const std::string& servers = {});

}  // namespace machine::local
