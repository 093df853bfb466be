#include "remediations/knowledge/snapshot/windows_service.hpp"

#include <fmt/format.h>

#include "remediations/knowledge/extension/backup_activity.hpp"
#include "remediations/knowledge/windows/service_findings.hpp"

namespace remediations {

using machine::ErrorKind;
using machine::Machine;
using machine::Result;
using machine::ServiceState;
using machine::StartType;

namespace {

bool is_pending(const machine::Service& service) {
    return service.state == ServiceState::starting || service.state == ServiceState::stopping;
}

/// Returns false where not even RpcSs is known, without which Windows does not run: then no service is known.
bool services_are_known(const Machine& machine) {
    return machine.services().find("RpcSs").has_value();
}

Finding not_installed(const Machine& machine, const WindowsService& service) {
    if (!services_are_known(machine)) {
        return Finding::not_applicable(fmt::format("Nothing is known of {}.", service.display));
    }
    return windows_service_missing(service.name, service.display, service.why);
}

}  // namespace

Finding diagnose_service(const Machine& machine, const WindowsService& expected) {
    const auto where = std::string("service ") + expected.name;
    const auto service = machine.services().find(expected.name);
    if (!service && service.error().kind == ErrorKind::not_found) return not_installed(machine, expected);
    if (!service) return Finding::unknown(where, service.error());
    std::vector<Evidence> evidence{
        {where, describe(*service),
         expected.runs_always ? "running, not disabled" : "not disabled; running, or stopped without an error"}};
    if (service->start == StartType::disabled) {
        return Finding::broken(fmt::format("{} is disabled, so {}.", expected.display, expected.why),
                               std::move(evidence),
                               fmt::format("Find out who disabled it, mostly a group policy or a hardening script, or "
                                           "it will be disabled again. To enable it: {}.",
                                           enable_command(expected.name, expected.start, expected.runs_always)))
            .as_security_change();
    }
    if (is_pending(*service)) {
        const auto running = running_backup_processes(machine);
        if (running && !running->empty()) {
            return Finding::healthy(
                fmt::format("{} is {} while a backup runs.", expected.display, to_string(service->state)),
                std::move(evidence));
        }
        return Finding::broken(
            fmt::format("{} hangs while it is {}.", expected.display, to_string(service->state)), std::move(evidence),
            fmt::format("Restart {}; if it does not come to an end, restart the VM.", expected.name));
    }
    if (failed_to_start(*service)) {
        return Finding::broken(
            fmt::format("{} does not run: it ended with error {}.", expected.display, service->exit_code),
            std::move(evidence),
            fmt::format("Start {}. If it fails again, see the Service Control Manager's events in the System log.",
                        expected.name));
    }
    if (expected.runs_always && service->state == ServiceState::stopped) {
        return Finding::broken(fmt::format("{} is stopped, so {}.", expected.display, expected.why),
                               std::move(evidence), fmt::format("Start {}.", expected.name));
    }
    return Finding::healthy(
        fmt::format("{} {}.", expected.display,
                    service->state == ServiceState::running ? "runs" : "can be started, and is stopped when idle"),
        std::move(evidence));
}

Result<void> repair_service(const WindowsService& expected, Changes& changes) {
    const auto service = changes.machine().services().find(expected.name);
    if (!service) return service.error();
    if (service->start == StartType::disabled) {
        if (auto set = changes.set_service_start(expected.name, expected.start); !set) return set;
    }
    if (is_pending(*service)) return changes.restart_service(expected.name);
    const bool must_run = expected.runs_always || failed_to_start(*service);
    return must_run ? changes.start_service(expected.name) : Result<void>();
}

}  // namespace remediations
