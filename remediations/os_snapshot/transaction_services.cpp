#include "remediations/os_snapshot/transaction_services.hpp"

#include <fmt/format.h>

namespace remediations {

using machine::ServiceState;
using machine::StartType;

bool failed_to_start(const machine::Service& service) {
    return service.state == ServiceState::failed || (service.state == ServiceState::stopped && service.exit_code != 0 &&
                                                     service.exit_code != machine::error_service_never_started);
}

std::string describe(const machine::Service& service) {
    const auto state = [&] {
        switch (service.state) {
            case ServiceState::running:
                return "running";
            case ServiceState::stopped:
                return "stopped";
            case ServiceState::starting:
                return "starting";
            case ServiceState::stopping:
                return "stopping";
            case ServiceState::failed:
                return "failed";
        }
        return "";
    }();
    const auto start = [&] {
        switch (service.start) {
            case StartType::automatic:
                return "automatic";
            case StartType::manual:
                return "manual";
            case StartType::disabled:
                return "disabled";
        }
        return "";
    }();
    return fmt::format("{}, exit code {}, start type {}, account {}", state, service.exit_code, start, service.account);
}

}  // namespace remediations
