#include "remediations/knowledge/windows/service_findings.hpp"

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

std::vector<Signal> service_start_failures(const std::string& service) {
    // It failed (7000), did not answer in time (7009, 7022), ended with an error (7023, 7024), or may not log on (7038,
    // 7041); 10005 is the same from the one who asked for it.
    const EventPattern by_manager{"System", "Service Control Manager", {7000, 7009, 7022, 7023, 7024, 7038, 7041}};
    const EventPattern by_com{"System", "Microsoft-Windows-DistributedCOM", {10005}};
    const EventPattern by_com_of_old{"System", "DCOM", {10005}};
    // ERROR_SERVICE_DEPENDENCY_FAIL, and ERROR_NOT_SAFEBOOT_SERVICE: not in safe mode.
    const std::vector<std::string> for_others = {"1068", "1084"};
    std::vector<Signal> all;
    for (const auto& event : {by_manager, by_com, by_com_of_old}) {
        all.push_back({.role = Role::proof, .event = event, .service = service, .without = for_others});
    }
    return all;
}

std::string enable_command(std::string_view service, machine::StartType start, bool and_start) {
    return fmt::format("sc.exe config {0} start= {1}{2}", service,
                       start == machine::StartType::automatic ? "auto" : "demand",
                       and_start ? fmt::format(", then sc.exe start {}", service) : "");
}

Finding windows_service_missing(std::string_view name, std::string_view display, std::string_view why) {
    return Finding::needs_operator(
        fmt::format("{} is not installed{}{}.", display, why.empty() ? "" : ", so ", why),
        {{fmt::format("service {}", name), "not installed", "installed, as it is a part of Windows"}}, repair_windows);
}

}  // namespace remediations
