#include "remediations/os_snapshot/transaction_services.hpp"

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

}  // namespace remediations
