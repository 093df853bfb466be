#include "remediations/service_findings.hpp"

#include <fmt/format.h>

namespace remediations {

using machine::ServiceState;

bool failed_to_start(const machine::Service& service) {
    return service.state == ServiceState::failed || (service.state == ServiceState::stopped && service.exit_code != 0 &&
                                                     service.exit_code != machine::error_service_never_started);
}

std::string describe(const machine::Service& service) {
    return fmt::format("{}, exit code {}, start type {}, account {}", to_string(service.state), service.exit_code,
                       to_string(service.start), service.account);
}

Finding windows_service_missing(std::string_view name, std::string_view display, std::string_view why) {
    return Finding::needs_operator(
        fmt::format("{} is not installed{}{}.", display, why.empty() ? "" : ", so ", why),
        {{fmt::format("service {}", name), "not installed", "installed, as it is a part of Windows"}}, repair_windows);
}

}  // namespace remediations
