#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <boost/algorithm/string/predicate.hpp>

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
/// CAPI2 513 names this driver on most machines, although their System Writer exists.
constexpr auto lldp_driver = "Microsoft Link-Layer Discovery Protocol";

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
    std::vector<Evidence> evidence{{writers.command(), error.message, "a list of writers"}};
    constexpr std::size_t most_quoted = 3;
    for (const auto& failure : machine.derived<EventEvidence>().failures()) {
        const bool explains = !failure.is_noise && failure.layer == Layer::os_snapshot;
        if (!hangs && explains && evidence.size() <= most_quoted) evidence.push_back(failure.quote);
    }
    auto finding = Finding::broken(
        hangs ? "VSS or one of its writers hangs: the writers do not answer." : "VSS cannot list its writers.",
        std::move(evidence),
        hangs ? "Restart the Volume Shadow Copy service; if it hangs on, restart the VM at the next occasion."
              : "Restart the Volume Shadow Copy service and the COM+ Event System. If vssadmin fails again, see the "
                "errors of VSS and COM+ in the Application log at that time: they name the class or the service that "
                "fails. Do not register DLLs of VSS anew.");
    if (runs(machine, vss)) finding.subjects.emplace_back(vss);
    // With VSS not running there is nothing to restart that could hang.
    if (finding.subjects.empty()) finding.subjects.emplace_back(event_system);
    return finding;
}

Finding no_writer(const VssWriters& writers) {
    return Finding::broken("No VSS writer answers.", {{writers.command(), "no writer", "the writers of Windows"}},
                           "Restart the COM+ Event System; if still no writer answers, restart the VM.");
}

/// The event that Cryptographic Services logs when it cannot list the files of the System Writer.
EventPattern file_list_failures() {
    return {"Application", "Microsoft-Windows-CAPI2", {513}};
}

Finding no_system_writer(const Machine& machine, const VssWriters& writers, const std::vector<std::string>& names) {
    std::vector<Evidence> evidence{{writers.command(), fmt::format("{}", fmt::join(names, ", ")),
                                    fmt::format("System Writer {} among them", system_writer_id)}};
    const auto is_no_noise = [](const auto& event) { return !boost::icontains(text_of(event), lldp_driver); };
    if (const auto* event = newest_current(machine, file_list_failures(), is_no_noise)) {
        evidence.push_back(evidence_of(*event, "no such event"));
        // A restart of the service does not change what it stumbles over.
        return Finding::needs_operator("The System Writer of VSS is missing: Windows cannot list its files.",
                                       std::move(evidence),
                                       "Repair what the event names (see system-writer-files), then restart "
                                       "Cryptographic Services; that alone does not help.");
    }
    return Finding::broken("The System Writer of VSS is missing.", std::move(evidence),
                           "Restart Cryptographic Services. If it stays away, see the events CAPI2 513 and VSS 8213: "
                           "often permissions in %SystemRoot%\\WinSxS were changed, a junction leads away from there, "
                           "or a service has a damaged ImagePath.");
}

/// Returns the writers of data whose service runs but which do not answer.
std::vector<const WriterOwner*> missing_owners(const Machine& machine, const std::vector<VssWriter>& there) {
    std::vector<const WriterOwner*> missing;
    for (const auto* owner : writers_of_data()) {
        if (std::ranges::find(there, owner->id, &VssWriter::id) != there.end()) continue;
        const auto service = machine.services().find(std::string(owner->service));
        // A service that has just been started needs a moment.
        if (service && service->state == machine::ServiceState::running) missing.push_back(owner);
    }
    return missing;
}

std::string advice_for(const WriterOwner& owner) {
    if (owner.service == "SQLWriter") {
        return "Look in sys.databases of each instance for a name of a database that begins or ends with a blank, "
               "which hides the writer, and rename it; see the events of SQLWRITER and VSS in the Application log. "
               "Then restart the service SQLWriter.";
    }
    return fmt::format(
        "See what the service {} and VSS log in the Application log, then restart {} in a maintenance window and look "
        "for the writer again: vssadmin list writers.",
        owner.service, owner.service);
}

Finding no_writer_of(const std::vector<const WriterOwner*>& missing, const VssWriters& writers) {
    std::vector<std::string> names;
    std::vector<std::string> steps;
    std::vector<Evidence> evidence;
    for (const auto* owner : missing) {
        names.push_back(fmt::format("{} (service {})", owner->writer, owner->service));
        steps.push_back(advice_for(*owner));
        evidence.push_back({writers.command(), fmt::format("no {} {}", owner->writer, owner->id),
                            fmt::format("it is there while the service {} runs", owner->service)});
    }
    return Finding::needs_operator(
        fmt::format("VSS writers are missing though their services run, so that the backup of their data is not "
                    "consistent, or fails: {}.",
                    fmt::join(names, ", ")),
        std::move(evidence), fmt::format("{}", fmt::join(steps, " ")));
}

Finding diagnose(const Machine& machine, const Question& question) {
    const auto asked = writers_of(machine, question);
    if (asked.writers == nullptr) return Finding::healthy(std::string(asked.why_not));
    const auto& writers = *asked.writers;
    const bool explains_nothing =
        machine.derived<LastRun>().end() == LastRun::End::succeeded && !is_vss_code(question.error_code);
    const auto weighed = [&](Finding finding) {
        return explains_nothing ? std::move(finding).as_risk() : std::move(finding);
    };
    if (!writers.list()) {
        // Half a minute, for one, may be too short for a busy machine, which proves nothing.
        if (!asked.is_suspect && writers.list().error().kind != machine::ErrorKind::failed) {
            return Finding::unknown(writers.command(), writers.list().error());
        }
        return weighed(without_answer(machine, writers));
    }
    std::vector<std::string> names;
    for (const auto& writer : *writers.list()) names.push_back(writer.name);
    const bool has_system_writer =
        std::ranges::find(*writers.list(), system_writer_id, &VssWriter::id) != writers.list()->end();
    if (!has_system_writer) {
        auto finding = names.empty() ? no_writer(writers) : no_system_writer(machine, writers, names);
        finding.subjects.emplace_back(names.empty() ? event_system : "CryptSvc");
        return weighed(std::move(finding));
    }
    const auto missing = missing_owners(machine, *writers.list());
    if (!missing.empty()) return weighed(no_writer_of(missing, writers));
    return Finding::healthy(fmt::format("{} VSS writers answer, the System Writer among them.", names.size()),
                            {{writers.command(), fmt::format("{}", fmt::join(names, ", ")), ""}});
}

std::vector<EventPattern> events() {
    auto all = vss_suspicion_events();
    all.push_back(file_list_failures());
    return all;
}

}  // namespace

Remediation remediation() {
    return {
        .id = "vss-writer-missing",
        .title = "VSS writers are missing or do not answer",
        .layer = Layer::os_snapshot,
        .scope = Scope::windows,
        .error_codes = {"ExtensionFailedVssWriterInBadState", "ExtensionFailedVssServiceInBadState",
                        "ExtensionSnapshotFailed", "VMRestorePointClientError"},
        .disruption = Disruption::service_restart,
        .explanation =
            "Without the System Writer, or with no writer at all, VSS takes no consistent snapshot of Windows; without "
            "the writer of a database, directory or mail server that runs, none of its data. The System Writer lives "
            "in Cryptographic Services, and all writers are called through the COM+ Event System; the fix restarts the "
            "one that is to blame. Where VSS itself hangs it is restarted. DLLs of VSS are never registered anew: "
            "since Windows Server 2008 that destroys more than it heals.",
        .source =
            "https://learn.microsoft.com/troubleshoot/windows-server/backup-and-storage/"
            "system-writer-not-found-in-backup",
        .signals = all_judged(events()),
        .consequences = {"vss-writers-not-reached", "vss-writer-failed", "vss-writer-of-service-failed",
                         "vss-writer-of-application-failed", "vss-writer-refused", "snapshot-without-threads",
                         "backup-attempt-failed", "backup-extension-state"},
        .diagnose_for = diagnose,
        .fix = restart_writer_services,
    };
}

}  // namespace remediations::causes::vss_writer_missing
