#include <fmt/format.h>

#include <algorithm>

#include "remediations/changes/changes.hpp"
#include "remediations/knowledge/extension/vss_suspicion.hpp"
#include "remediations/knowledge/reasons/meaning.hpp"
#include "remediations/knowledge/reasons/reasons_in.hpp"
#include "remediations/knowledge/windows/service_findings.hpp"

namespace remediations::causes::sql_writer_failed {

namespace {

constexpr auto sql_writer = "SQLWriter";
constexpr auto local_system = "S-1-5-18";

EventPattern writer_errors() {
    return {"Application", "SQLWRITER", {24581, 24582, 24583}};
}
EventPattern device_errors() {
    return {"Application", "SQLVDI", {1}};
}

/// SQL Server's own number, which is never translated; 3013, "the backup ended", only where it names no other.
std::optional<Reason> sql_error(std::string_view text) {
    const auto reasons = reasons_in(text);
    const auto found = std::ranges::find(reasons, Reason::Kind::sql, &Reason::kind);
    return found == reasons.end() ? std::nullopt : std::optional(*found);
}

std::string advice_for(const std::optional<Reason>& error) {
    const auto meaning = error ? meaning_of(*error) : std::nullopt;
    if (meaning) return fmt::format("{} The instance and the database are in the event.", advice_of(*meaning));
    return "See the error log of the SQL Server instance that the event names: often a database is suspect, "
           "offline or auto-closed, or the login NT SERVICE\\SQLWriter lacks the role sysadmin. Then restart "
           "the service SQLWriter.";
}

std::string summary_for(const std::optional<Reason>& error) {
    if (!error) return "SQL Server's VSS writer fails.";
    const auto meaning = meaning_of(*error);
    return fmt::format("SQL Server's VSS writer fails with SQL Server's error {}{}.", error->number,
                       meaning ? ": " + clause_of(*meaning) : std::string());
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
    const auto* writer_error = newest_current(machine, writer_errors());
    const auto* device_error = newest_current(machine, device_errors());
    if (writer_error == nullptr && device_error == nullptr) {
        return Finding::healthy("SQL Server's VSS writer logged no error since the last good backup.",
                                std::move(evidence));
    }
    std::optional<Reason> error;
    for (const auto* event : {writer_error, device_error}) {
        if (event == nullptr) continue;
        evidence.push_back(evidence_of(*event, "no error"));
        if (!error) error = sql_error(text_of(*event));
    }
    if (service->account != local_system) {
        return Finding::needs_operator("SQL Server's VSS writer fails; it does not run as LocalSystem.",
                                       std::move(evidence),
                                       "Let the service SQLWriter log on as Local System and restart it.");
    }
    return Finding::needs_operator(summary_for(error), std::move(evidence), advice_for(error));
}

}  // namespace

extern const Remediation remediation{
    .id = "sql-writer-failed",
    .title = "SQL Server's VSS writer fails",
    .layer = Layer::os_snapshot,
    .scope = Scope::windows,
    .error_codes = {"ExtensionFailedVssWriterInBadState", "ExtensionSnapshotFailed", "ExtensionInstallationFailure",
                    "VMRestorePointClientError"},
    .explanation =
        "SQL Server's writer asks every instance to bring its databases to rest. One instance that it may not log on "
        "to, or one database that is damaged, offline or auto-closed, makes it fail, and the snapshot with it. The "
        "event of SQLWRITER or SQLVDI names the instance and SQL Server's own error number.",
    .source = "https://learn.microsoft.com/sql/relational-databases/backup-restore/sql-server-vss-writer-backup-guide",
    .events = {writer_errors(), device_errors()},
    .testimonies = {{.event = writer_errors()}, {.event = device_errors()}},
    .consequences = {"vss-writer-refused", "vss-writer-of-service-failed", "backup-attempt-failed",
                     "backup-extension-state"},
    .diagnose = diagnose,
};

}  // namespace remediations::causes::sql_writer_failed
