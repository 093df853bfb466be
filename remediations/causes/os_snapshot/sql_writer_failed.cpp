#include <fmt/format.h>

#include "remediations/knowledge/reasons/meaning.hpp"
#include "remediations/knowledge/snapshot/sql_writer_failure.hpp"
#include "remediations/knowledge/windows/service_findings.hpp"

namespace remediations::causes::sql_writer_failed {

namespace {

constexpr auto sql_writer = "SQLWriter";
constexpr auto local_system = "S-1-5-18";

std::string advice_for(const SqlWriterFailure& failure) {
    if (failure.fault == SqlWriterFault::device_unregistered) {
        return "Register the virtual device of SQL Server anew, as administrator: regsvr32 \"%ProgramFiles%\\Microsoft "
               "SQL Server\\80\\COM\\sqlvdi.dll\"; where the file is missing, repair SQL Server's setup. Then restart "
               "the service SQLWriter.";
    }
    const auto meaning = failure.error ? meaning_of(*failure.error) : std::nullopt;
    if (meaning) return fmt::format("{} The instance and the database are in the event.", advice_of(*meaning));
    return "See the error log of the SQL Server instance that the event names: often a database is suspect or offline, "
           "or the login NT SERVICE\\SQLWriter lacks the role sysadmin. Then restart the service SQLWriter.";
}

std::string summary_for(const SqlWriterFailure& failure) {
    if (failure.fault == SqlWriterFault::device_unregistered) {
        return "SQL Server's VSS writer fails: the class of its virtual device (sqlvdi.dll) is not registered.";
    }
    if (!failure.error) return fmt::format("SQL Server's VSS writer fails{}.", place_of(failure));
    const auto meaning = meaning_of(*failure.error);
    return fmt::format("SQL Server's VSS writer fails{} with SQL Server's error {}{}.", place_of(failure),
                       failure.error->number, meaning ? ": " + clause_of(*meaning) : std::string());
}

Finding diagnose(const machine::Machine& machine) {
    const auto where = std::string("service ") + sql_writer;
    const auto service = machine.services().find(sql_writer);
    if (!service && service.error().kind == machine::ErrorKind::not_found) {
        return Finding::not_applicable("SQL Server's VSS writer is not installed.");
    }
    if (!service) return Finding::unknown(where, service.error());
    std::vector<Evidence> evidence{{where, describe(*service), "running as LocalSystem"}};
    if (service->start == machine::StartType::disabled) {
        return Finding::healthy("SQL Server's VSS writer is switched off: its databases are backed up as files.",
                                std::move(evidence));
    }
    const auto failure = sql_writer_failure(machine);
    if (!failure) {
        return Finding::healthy("SQL Server's VSS writer logged no error since the last good backup.",
                                std::move(evidence));
    }
    const bool has_its_own_cause =
        failure->fault == SqlWriterFault::cannot_connect || failure->fault == SqlWriterFault::too_many_databases;
    if (has_its_own_cause) {
        return Finding::not_applicable("SQL Server's VSS writer says why it fails; another cause speaks of that.");
    }
    evidence.insert(evidence.end(), failure->evidence.begin(), failure->evidence.end());
    if (service->account != local_system) {
        return Finding::needs_operator("SQL Server's VSS writer fails; it does not run as LocalSystem.",
                                       std::move(evidence),
                                       "Let the service SQLWriter log on as Local System and restart it.");
    }
    return Finding::needs_operator(summary_for(*failure), std::move(evidence), advice_for(*failure));
}

}  // namespace

Remediation remediation() {
    return {
        .id = "sql-writer-failed",
        .title = "SQL Server's VSS writer fails",
        .layer = Layer::os_snapshot,
        .scope = Scope::windows,
        .error_codes = {"ExtensionFailedVssWriterInBadState", "ExtensionSnapshotFailed", "ExtensionInstallationFailure",
                        "VMRestorePointClientError"},
        .explanation =
            "SQL Server's writer asks every instance to bring its databases to rest. One instance that it may not log "
            "on to, or one database that is damaged or offline, makes it fail, and the snapshot with it. The event of "
            "SQLWRITER or SQLVDI names the instance and SQL Server's own error number.",
        .source =
            "https://learn.microsoft.com/sql/relational-databases/backup-restore/sql-server-vss-writer-backup-guide",
        .signals = joined(
            {all_judged(sql_writer_events()), {proof({"Application", "SQLWRITER", {24579, 24581, 24582, 24583}})}}),
        // Where the services of the machine are not known. What the virtual device logs can be of another program.
        .consequences = {"vss-writer-refused", "vss-writer-of-service-failed", "backup-attempt-failed",
                         "backup-extension-state"},
        .diagnose = diagnose,
    };
}

}  // namespace remediations::causes::sql_writer_failed
