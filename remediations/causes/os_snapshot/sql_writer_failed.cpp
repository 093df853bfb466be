#include <fmt/format.h>

#include <boost/algorithm/string/find.hpp>
#include <charconv>

#include "remediations/changes/changes.hpp"
#include "remediations/knowledge/extension/vss_suspicion.hpp"
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

/// "Native Error: 18456", which SQL Server never translates.
std::optional<int> native_error(std::string_view text) {
    const auto found = boost::algorithm::ifind_first(text, "Native Error:");
    if (found.empty()) return std::nullopt;
    auto rest = std::string_view(found.end(), static_cast<std::size_t>(text.end() - found.end()));
    rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
    int number = 0;
    const auto parsed = std::from_chars(rest.data(), rest.data() + rest.size(), number);
    return parsed.ec == std::errc() ? std::optional(number) : std::nullopt;
}

std::string advice_for(std::optional<int> error) {
    constexpr int login_failed = 18456;
    constexpr int no_right = 229;
    constexpr int backup_denied = 262;
    constexpr int database_is_recovered = 3013;
    switch (error.value_or(0)) {
        case login_failed:
        case no_right:
        case backup_denied:
            return "Give the SQL Server login NT SERVICE\\SQLWriter the role sysadmin in the instance that the event "
                   "names.";
        case database_is_recovered:
            return "A database cannot be backed up: see the error log of the instance that the event names, for a "
                   "database that is suspect, recovering or offline.";
        default:
            return "See the error log of the SQL Server instance that the event names: often a database is suspect, "
                   "offline or auto-closed, or the login NT SERVICE\\SQLWriter lacks the role sysadmin. Then restart "
                   "the service SQLWriter.";
    }
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
    std::optional<int> error;
    for (const auto* event : {writer_error, device_error}) {
        if (event == nullptr) continue;
        evidence.push_back(evidence_of(*event, "no error"));
        if (!error) error = native_error(text_of(*event));
    }
    if (service->account != local_system) {
        return Finding::needs_operator("SQL Server's VSS writer fails; it does not run as LocalSystem.",
                                       std::move(evidence),
                                       "Let the service SQLWriter log on as Local System and restart it.");
    }
    return Finding::needs_operator(
        error ? fmt::format("SQL Server's VSS writer fails with SQL Server's error {}.", *error)
              : std::string("SQL Server's VSS writer fails."),
        std::move(evidence), advice_for(error));
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
