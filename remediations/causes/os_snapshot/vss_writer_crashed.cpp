#include <fmt/format.h>

#include <algorithm>

#include "remediations/knowledge/extension/last_run.hpp"
#include "remediations/knowledge/extension/vss_suspicion.hpp"
#include "remediations/knowledge/snapshot/vss_writer_services.hpp"
#include "remediations/knowledge/snapshot/vss_writers.hpp"
#include "remediations/knowledge/windows/service_findings.hpp"
#include "remediations/machine/process_list.hpp"

namespace remediations::causes::vss_writer_crashed {

using machine::Machine;

namespace {

/// An exception in a writer's callback. After it the writer's process must be restarted.
EventPattern unhandled_exceptions() {
    return {"Application", "VSS", {12366}};
}

const WriterOwner* owner_in(const machine::Event& event) {
    for (const auto& id : guids_in(text_of(event))) {
        if (const auto* owner = owner_of_writer(id, "")) return owner;
    }
    return nullptr;
}

/// Returns the start of the service's process; nullopt where it is not known.
std::optional<std::chrono::system_clock::time_point> start_of(const Machine& machine, std::string_view name) {
    const auto service = machine.services().find(std::string(name));
    const auto& processes = machine.derived<machine::ProcessList>().processes();
    if (!service || !processes || service->pid == 0) return std::nullopt;
    const auto found = std::ranges::find(*processes, service->pid, &machine::Process::pid);
    const bool is_known = found != processes->end() && found->started != std::chrono::system_clock::time_point{};
    return is_known ? std::optional(found->started) : std::nullopt;
}

Finding diagnose(const Machine& machine) {
    const auto* event = newest_current(machine, unhandled_exceptions());
    if (event == nullptr) return Finding::healthy("No VSS writer crashed since the last good backup.");
    std::vector<Evidence> evidence{evidence_of(*event, "no exception in a writer")};
    const auto* owner = owner_in(*event);
    const auto writer = owner ? std::string(owner->writer) : std::string("A VSS writer");
    const auto service = owner && !owner->service.empty() ? std::string(owner->service) : std::string();
    if (const auto started = service.empty() ? std::nullopt : start_of(machine, service);
        started && *started > event->time) {
        auto finding = Finding::needs_operator(
            fmt::format("{} crashed in a snapshot; its service {} was restarted since.", writer, service),
            std::move(evidence),
            "Back up again. If it crashes again, update the product that the exception in the event points to.");
        return std::move(finding).as_risk();
    }
    return Finding::needs_operator(
        fmt::format("{} crashed in a snapshot and stays unusable until its process is restarted (VSS 12366).", writer),
        std::move(evidence),
        service.empty()
            ? std::string("Restart the service whose process the event names (or Windows, at a quiet time), then "
                          "back up again. If it crashes again, see Application Error 1000 at that time for the module, "
                          "and update or remove its product.")
            : fmt::format("Restart {}{}, then back up again. If it crashes again, see Application Error 1000 at that "
                          "time for the module, and update or remove its product.",
                          service, owner->restart == WriterService::safe ? "" : " at a quiet time"));
}

}  // namespace

Remediation remediation() {
    return {
        .id = "vss-writer-crashed",
        .title = "A VSS writer crashed in the middle of a snapshot",
        .layer = Layer::os_snapshot,
        .scope = Scope::windows,
        .error_codes = {"ExtensionFailedVssWriterInBadState", "ExtensionSnapshotFailed", "VMRestorePointClientError"},
        .explanation =
            "VSS calls writers inside the processes of their services. When one throws an exception there, VSS logs "
            "event 12366 and uses that process no more: snapshots fail until its service is restarted. A crash that "
            "comes back is a fault of the writer or of a module in its process.",
        .source = "https://learn.microsoft.com/windows/win32/vss/event-and-error-handling-under-vss",
        .signals = {judged(unhandled_exceptions())},
        .consequences = {"vss-writers-not-reached", "vss-writer-failed", "vss-writer-missing", "vss-writer-refused",
                         "vss-writer-of-service-failed", "vss-writer-of-application-failed", "snapshot-without-threads",
                         "backup-attempt-failed", "backup-extension-state"},
        .diagnose = diagnose,
    };
}

}  // namespace remediations::causes::vss_writer_crashed
