#include <fmt/format.h>

#include <algorithm>
#include <boost/algorithm/string/find.hpp>

#include "remediations/knowledge/extension/last_run.hpp"
#include "remediations/knowledge/extension/vss_suspicion.hpp"
#include "remediations/knowledge/snapshot/sql_writer_failure.hpp"
#include "remediations/knowledge/snapshot/vss_writer_services.hpp"
#include "remediations/knowledge/snapshot/vss_writers.hpp"

namespace remediations::causes::sql_auto_close {

using machine::Machine;

namespace {

constexpr auto sql_writer = "SqlServerWriter";
constexpr unsigned failed_at_post_snapshot = 11;
constexpr std::uint32_t non_retryable = 0x800423F4;  // VSS_E_WRITERERROR_NONRETRYABLE

EventPattern refusals() {
    return {"Application", "VSS", {8229}};
}
bool is_of_sql_server(std::string_view id) {
    const auto* owner = owner_of_writer(id, "");
    return owner != nullptr && owner->writer == sql_writer;
}

bool is_refusal_after_snapshot(const machine::Event& event) {
    const auto text = text_of(event);
    const bool is_for_good = names_code(text, non_retryable);
    // The name of VSS' own event stays in every language.
    return is_for_good && !boost::algorithm::ifind_first(text, "PostSnapshot").empty() &&
           std::ranges::any_of(guids_in(text), [](const auto& id) { return is_of_sql_server(id); });
}

/// Returns the state in the output of vssadmin, which is asked only where something points to VSS.
std::optional<Evidence> failed_after_snapshot(const Machine& machine, const Question& question) {
    if (!vss_is_suspect(machine, question)) return std::nullopt;
    const auto& writers = machine.derived<VssWriters>();
    if (!writers.list()) return std::nullopt;
    const auto found = std::ranges::find_if(*writers.list(), [](const auto& writer) {
        return is_of_sql_server(writer.id) && writer.state == failed_at_post_snapshot;
    });
    if (found == writers.list()->end()) return std::nullopt;
    return Evidence{fmt::format("{}: {} {}", writers.command(), found->name, found->id),
                    fmt::format("{}, which is: {}", found->state_text, meaning_of_writer_state(found->state)),
                    "[1], stable"};
}

Finding diagnose(const Machine& machine, const Question& question) {
    const auto* event = newest_current(machine, refusals(), is_refusal_after_snapshot);
    const auto state =
        machine.derived<LastRun>().is_failure() ? failed_after_snapshot(machine, question) : std::nullopt;
    if (event == nullptr && !state) return Finding::healthy("SQL Server's writer did not refuse after a snapshot.");
    if (sql_writer_failure(machine)) {
        return Finding::healthy("SQL Server's writer says itself why it failed.");
    }
    std::vector<Evidence> evidence;
    if (event) evidence.push_back(evidence_of(*event, "no writer that refuses"));
    if (state) evidence.push_back(*state);
    return Finding::needs_operator(
        "SQL Server's VSS writer refuses at PostSnapshot and logs no error of its own, as it does for databases with "
        "AUTO_CLOSE on.",
        std::move(evidence),
        "In each instance find the databases with AUTO_CLOSE (SELECT name FROM sys.databases WHERE is_auto_close_on = "
        "1) and switch it off: ALTER DATABASE [name] SET AUTO_CLOSE OFF WITH NO_WAIT. Restarting SQLWriter does not "
        "help. Where none has it, see the error log of the instance at the time of the backup.");
}

std::vector<EventPattern> events() {
    auto all = vss_suspicion_events();
    all.push_back(refusals());
    for (auto& pattern : sql_writer_events()) all.push_back(std::move(pattern));
    return all;
}

}  // namespace

Remediation remediation() {
    return {
        .id = "sql-auto-close",
        .title = "Databases of SQL Server have AUTO_CLOSE on",
        .layer = Layer::os_snapshot,
        .scope = Scope::windows,
        .error_codes = {"ExtensionFailedVssWriterInBadState", "ExtensionSnapshotFailed", "VMRestorePointClientError"},
        .explanation =
            "A database with AUTO_CLOSE is shut down when its last user leaves, and opened for a moment by the writer "
            "itself. In the snapshot SQL Server's writer finds it in another state than before and refuses at "
            "PostSnapshot (0x800423F4) without an error of its own. The setting is made in SQL Server, so a person has "
            "to.",
        .source =
            "https://learn.microsoft.com/troubleshoot/sql/database-engine/backup-restore/revocery-jobs-fail-servers",
        .signals = all_judged(events()),
        .consequences = {"vss-writer-refused", "vss-writer-of-service-failed", "snapshot-without-threads",
                         "backup-attempt-failed", "backup-extension-state"},
        .diagnose_for = diagnose,
    };
}

}  // namespace remediations::causes::sql_auto_close
