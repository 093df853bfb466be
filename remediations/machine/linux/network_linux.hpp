#pragma once

#include "remediations/machine/network.hpp"

namespace machine::local {

class LinuxNetwork final : public Network {
public:
    Result<HttpResponse> get(const HttpRequest& request) const override;
    Result<std::vector<std::string>> resolve(const std::string& host, std::chrono::milliseconds timeout) const override;
    Result<std::string> source_address(const std::string& address) const override;
    Result<std::vector<NetworkInterface>> interfaces() const override;
};

}  // namespace machine::local
