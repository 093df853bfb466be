#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "remediations/knowledge/extension/last_run.hpp"
#include "remediations/knowledge/extension/vss_suspicion.hpp"
#include "remediations/knowledge/snapshot/vss_writer_services.hpp"
#include "remediations/knowledge/snapshot/vss_writer_state.hpp"
#include "remediations/knowledge/snapshot/vss_writers.hpp"

namespace remediations::causes::vss_writer_missing {

using machine::Machine;

namespace {

constexpr auto event_system = "EventSystem";
constexpr auto vss = "VSS";

bool runs(const Machine& machine, const char* name) {
    const auto service = machine.services().find(name);
    return service && service->state != machine::ServiceState::stopped;
}

Finding without_answer(const Machine& machine, const VssWriters& writers) {
    const auto& error = writers.list().error();
    if (error.kind == machine::ErrorKind::not_found || error.kind == machine::ErrorKind::not_captured ||
        error.kind == machine::ErrorKind::invalid) {
        return Finding::unknown(writers.command(), error);
    }
    const bool hangs = error.kind == machine::ErrorKind::timed_out;
    auto finding = Finding::broken(
        hangs ? "VSS or one of its writers hangs: the writers do not answer."
              : "VSS cannot list its writers: vssadmin ended with an error.",
        {{writers.command(), error.message, "a list of writers"}},
        hangs
            ? "Restart the Volume Shadow Copy service; if it hangs on, restart the VM at the next occasion."
            : "See the errors of VSS in the Application log at the time of vssadmin: class, routine and code say what "
              "is damaged. Check that the COM+ Event System and COM+ System Application run and that TypeLib of the "
              "VSS event class is right, and restart them and the Volume Shadow Copy service; if that does not help, "
              "repair Windows (DISM /Online /Cleanup-Image /RestoreHealth).");
    if (runs(machine, vss)) finding.subjects.emplace_back(vss);
    // With VSS not running there is nothing to restart that could hang.
    if (finding.subjects.empty()) finding.subjects.emplace_back(event_system);
    return finding;
}

Finding no_writer(const VssWriters& writers) {
    return Finding::broken("No VSS writer answers.", {{writers.command(), "no writer", "the writers of Windows"}},
                           "Restart the COM+ Event System; if still no writer answers, restart the VM.");
}

Finding no_system_writer(const VssWriters& writers, const std::vector<std::string>& names) {
    return Finding::broken("The System Writer of VSS is missing.",
                           {{writers.command(), fmt::format("{}", fmt::join(names, ", ")),
                             fmt::format("System Writer {} among them", system_writer_id)}},
                           "Restart Cryptographic Services. If it stays away, see the events CAPI2 513 and VSS 8213: "
                           "often permissions in %SystemRoot%\\WinSxS were changed, a junction leads away from there, "
                           "or a service has a damaged ImagePath.");
}

Finding diagnose(const Machine& machine, const Question& question) {
    if (!vss_is_suspect(machine, question)) {
        return Finding::healthy("Nothing points to VSS, so its writers are not asked: that takes up to minutes.");
    }
    const auto& writers = machine.derived<VssWriters>();
    if (!writers.list()) return without_answer(machine, writers);
    const auto has_system_writer =
        std::ranges::any_of(*writers.list(), [](const auto& writer) { return writer.id == system_writer_id; });
    if (has_system_writer) {
        return Finding::healthy(
            fmt::format("{} VSS writers answer, the System Writer among them.", writers.list()->size()));
    }
    std::vector<std::string> names;
    for (const auto& writer : *writers.list()) names.push_back(writer.name);
    auto finding = names.empty() ? no_writer(writers) : no_system_writer(writers, names);
    finding.subjects.emplace_back(names.empty() ? event_system : "CryptSvc");
    const bool explains_nothing =
        machine.derived<LastRun>().end() == LastRun::End::succeeded && !is_vss_code(question.error_code);
    if (explains_nothing) return std::move(finding).as_risk();
    return finding;
}

}  // namespace

extern const Remediation remediation{
    .id = "vss-writer-missing",
    .title = "VSS writers are missing or do not answer",
    .layer = Layer::os_snapshot,
    .scope = Scope::windows,
    .error_codes = {"ExtensionFailedVssWriterInBadState", "ExtensionFailedVssServiceInBadState",
                    "ExtensionSnapshotFailed", "VMRestorePointClientError"},
    .disruption = Disruption::service_restart,
    .explanation =
        "Without the System Writer, or with no writer at all, VSS takes no consistent snapshot of Windows. The System "
        "Writer lives in Cryptographic Services, and all writers are called through the COM+ Event System; the fix "
        "restarts the one that is to blame. Where VSS itself hangs it is restarted. DLLs of VSS are never registered "
        "anew: since Windows Server 2008 that destroys more than it heals.",
    .source =
        "https://learn.microsoft.com/troubleshoot/windows-server/backup-and-storage/system-writer-not-found-in-backup",
    .events = vss_suspicion_events(),
    .consequences = {"vss-writer-failed", "vss-writer-of-service-failed", "vss-writer-of-application-failed",
                     "vss-writer-refused", "snapshot-without-threads", "backup-attempt-failed",
                     "backup-extension-state"},
    .diagnose_for = diagnose,
    .fix = restart_writer_services,
};

}  // namespace remediations::causes::vss_writer_missing
