#include "remediations/machine/linux/network_linux.hpp"

#include "remediations/machine/http_probe.hpp"
#include "remediations/machine/linux/resolver.hpp"

namespace machine::local {

Result<HttpResponse> LinuxNetwork::get(const HttpRequest& request) const {
    return http_get(request, [](const std::string& host, std::chrono::milliseconds timeout) {
        return resolve_host(host, timeout);
    });
}

Result<std::vector<std::string>> LinuxNetwork::resolve(const std::string& host,
                                                       std::chrono::milliseconds timeout) const {
    return resolve_host(host, timeout);
}

}  // namespace machine::local
