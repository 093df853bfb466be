#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "remediations/changes/changes.hpp"
#include "remediations/knowledge/extension/vss_suspicion.hpp"
#include "remediations/knowledge/logs/event_text.hpp"
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

/// Of the program that used the device: "..., , process id, thread id, Client, instance, device".
std::uint32_t process_of_device(const machine::Event& event) {
    constexpr std::size_t at = 4;
    std::uint32_t pid = 0;
    if (event.data.size() > at) {
        const auto& text = event.data[at];
        std::from_chars(text.data(), text.data() + text.size(), pid);
    }
    return pid;
}

/// Whoever dumps a database uses such devices. It is the writer's where it stands in a backup that failed, and no other
/// program's that the writer's process was there beside.
bool is_of_backup(const machine::Machine& machine, const machine::Event& event, const machine::Service& writer) {
    const auto& failures = machine.derived<EventEvidence>().failures();
    const bool is_in_run = std::ranges::any_of(failures, [&](const auto& failure) {
        return failure.in_failed_run && !failure.is_noise &&
               std::ranges::find(failure.times, event.time) != failure.times.end();
    });
    if (!is_in_run) return false;
    const auto pid = process_of_device(event);
    if (pid == 0 || writer.pid == 0 || pid == writer.pid) return true;
    const auto processes = machine.processes().list();
    if (!processes) return true;
    const auto process = std::ranges::find(*processes, writer.pid, &machine::Process::pid);
    return process == processes->end() || process->started > event.time;
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

std::string summary_for(const std::optional<Reason>& error, const std::string& database) {
    const auto where = database.empty() ? std::string() : fmt::format(" at database '{}'", database);
    if (!error) return fmt::format("SQL Server's VSS writer fails{}.", where);
    const auto meaning = meaning_of(*error);
    return fmt::format("SQL Server's VSS writer fails{} with SQL Server's error {}{}.", where, error->number,
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
    const auto* device_error = newest_current(
        machine, device_errors(), [&](const auto& event) { return is_of_backup(machine, event, *service); });
    if (writer_error == nullptr && device_error == nullptr) {
        return Finding::healthy("SQL Server's VSS writer logged no error since the last good backup.",
                                std::move(evidence));
    }
    std::optional<Reason> error;
    std::string database;
    for (const auto* event : {writer_error, device_error}) {
        if (event == nullptr) continue;
        evidence.push_back(evidence_of(*event, "no error"));
        if (!error) error = sql_error(text_of(*event));
        if (database.empty()) database = database_in(*event);
    }
    if (service->account != local_system) {
        return Finding::needs_operator("SQL Server's VSS writer fails; it does not run as LocalSystem.",
                                       std::move(evidence),
                                       "Let the service SQLWriter log on as Local System and restart it.");
    }
    return Finding::needs_operator(summary_for(error, database), std::move(evidence), advice_for(error));
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
