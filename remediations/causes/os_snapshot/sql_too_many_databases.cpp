#include <fmt/format.h>

#include "remediations/knowledge/snapshot/sql_writer_failure.hpp"

namespace remediations::causes::sql_too_many_databases {

namespace {

Finding diagnose(const machine::Machine& machine) {
    auto failure = sql_writer_failure(machine);
    if (!failure || failure->fault != SqlWriterFault::too_many_databases) {
        return Finding::healthy("SQL Server had threads enough for its snapshots.");
    }
    return Finding::needs_operator(
        fmt::format("SQL Server has too few worker threads to freeze all its databases at once{} (error {}).",
                    place_of(*failure), failure->error->number),
        std::move(failure->evidence),
        "Reduce what one snapshot freezes: a snapshot takes three worker threads for each database, so count them "
        "(sys.databases) against 'max worker threads'. Raise that setting (0 lets SQL Server choose), give the VM more "
        "processors, move databases to another instance or VM, or back them up with Azure Backup for SQL Server.");
}

}  // namespace

Remediation remediation() {
    return {
        .id = "sql-too-many-databases",
        .title = "SQL Server has too many databases for one snapshot",
        .layer = Layer::os_snapshot,
        .scope = Scope::windows,
        .error_codes = {"ExtensionFailedVssWriterInBadState", "ExtensionSnapshotFailed", "VMRestorePointClientError"},
        .explanation =
            "All databases of a VM are frozen at the same time, each by about three worker threads. Where an instance "
            "has more databases than that allows, its writer fails with SQL Server's error 3224 or 3267 (events "
            "SQLWRITER 24583 and SQLVDI 1 repeat for many databases).",
        .source = "https://learn.microsoft.com/archive/blogs/psssql/how-it-works-sql-server-vdi-vss-backup-resources",
        .signals = all_judged(sql_writer_events()),
        .consequences = {"sql-writer-failed", "vss-writer-refused", "vss-writer-of-service-failed",
                         "backup-attempt-failed", "backup-extension-state"},
        .diagnose = diagnose,
    };
}

}  // namespace remediations::causes::sql_too_many_databases
