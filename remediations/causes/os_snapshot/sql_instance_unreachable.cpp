#include <fmt/format.h>
#include <fmt/ranges.h>

#include "remediations/knowledge/snapshot/sql_writer_failure.hpp"
#include "remediations/knowledge/windows/service_findings.hpp"

namespace remediations::causes::sql_instance_unreachable {

namespace {

Finding diagnose(const machine::Machine& machine) {
    const auto failure = sql_writer_failure(machine);
    if (!failure || failure->fault != SqlWriterFault::cannot_connect) {
        return Finding::healthy("SQL Server's VSS writer reached its instances since the last good backup.");
    }
    auto evidence = failure->evidence;
    std::vector<std::string> stopped;
    for (const auto& service : sql_engine_services(machine)) {
        evidence.push_back({"service " + service.name, describe(service), "running"});
        if (service.state != machine::ServiceState::running) stopped.push_back(service.name);
    }
    const auto number = failure->error ? fmt::format(" (error {})", failure->error->number) : std::string();
    return Finding::needs_operator(
        fmt::format("SQL Server's VSS writer cannot connect to its instance{}{}.", place_of(*failure), number),
        std::move(evidence),
        fmt::format(
            "{} that shared memory is enabled among the protocols of the instance and of the client (SQL Server "
            "Configuration Manager), that no alias, also of the 32-bit client, leads elsewhere, and that NT "
            "SERVICE\\SQLWriter may log on. Then restart the service SQLWriter.",
            stopped.empty() ? std::string("Let the writer connect: see")
                            : fmt::format("Start {}, or disable it where nobody needs it. If it runs, see",
                                          fmt::join(stopped, ", "))));
}

}  // namespace

Remediation remediation() {
    return {
        .id = "sql-instance-unreachable",
        .title = "SQL Server's VSS writer cannot connect to an instance",
        .layer = Layer::os_snapshot,
        .scope = Scope::windows,
        .error_codes = {"ExtensionFailedVssWriterInBadState", "ExtensionSnapshotFailed", "VMRestorePointClientError"},
        .explanation =
            "SQL Server's writer connects to each instance of the machine, by shared memory. An instance that does not "
            "answer, a protocol that is switched off or an alias that leads elsewhere makes it fail with SQLSTATE "
            "08001 (event SQLWRITER 24583), and the snapshot with it.",
        .source = "https://support.microsoft.com/kb/919023",
        .signals = all_judged(sql_writer_events()),
        .consequences = {"sql-writer-failed", "vss-writer-refused", "vss-writer-of-service-failed",
                         "backup-attempt-failed", "backup-extension-state"},
        .diagnose = diagnose,
    };
}

}  // namespace remediations::causes::sql_instance_unreachable
