#include <fmt/format.h>

#include <algorithm>
#include <boost/algorithm/string/replace.hpp>

#include "remediations/knowledge/extension/last_run.hpp"
#include "remediations/knowledge/extension/vss_suspicion.hpp"
#include "remediations/knowledge/reasons/meaning.hpp"
#include "remediations/knowledge/reasons/reasons_in.hpp"
#include "remediations/knowledge/snapshot/vss_writer_services.hpp"
#include "remediations/knowledge/snapshot/vss_writers.hpp"

namespace remediations::causes::vss_writer_refused {

namespace {

/// Returns the table's text about a writer as a clause about the named writer: "it did not come to rest in time".
std::string said_of_it(const Meaning& meaning) {
    auto clause = clause_of(meaning);
    boost::algorithm::replace_first(clause, "a writer's ", "its ");
    boost::algorithm::replace_first(clause, "a writer ", "it ");
    return clause;
}

bool is_of_cluster_volumes(const machine::Event& event) {
    const auto named = guids_in(text_of(event));
    return std::ranges::find(named, cluster_volume_writer_id) != named.end();
}

Finding diagnose(const machine::Machine& machine) {
    const auto* event =
        newest_current(machine, refusals_of_writers(), [](const auto& each) { return !is_of_cluster_volumes(each); });
    if (event == nullptr) return Finding::healthy("No VSS writer refused a snapshot since the last good backup.");
    const auto text = text_of(*event);
    const WriterOwner* owner = nullptr;
    std::string writer = "a VSS writer";
    for (const auto& id : guids_in(text)) {
        owner = owner_of_writer(id, "");
        if (owner == nullptr) continue;
        writer = owner->writer;
        break;
    }
    const auto meaning = windows_meaning(reasons_in(text));
    auto action =
        meaning ? advice_of(*meaning) : std::string("See what the application logs at that time and repair that.");
    if (owner && owner->restart == WriterService::workload && !owner->service.empty()) {
        action += fmt::format(" Its service is {}.", owner->service);
    }
    return Finding::needs_operator(
        fmt::format("{} refused the snapshot: {}.", writer, meaning ? said_of_it(*meaning) : "the event says why"),
        {evidence_of(*event, "no writer that refuses")}, std::move(action));
}

}  // namespace

Remediation remediation() {
    return {
        .id = "vss-writer-refused",
        .title = "A VSS writer refused the snapshot",
        .layer = Layer::os_snapshot,
        .scope = Scope::windows,
        .error_codes = {"ExtensionFailedVssWriterInBadState", "ExtensionSnapshotFailed", "VMRestorePointClientError"},
        .explanation =
            "VSS logs each writer that refuses a snapshot, with its class id and a code (event 8229). The writer may "
            "be stable again by now; the next backup fails for the same reason unless the application behind it is "
            "repaired.",
        .source = "https://learn.microsoft.com/windows/win32/vss/overview-of-processing-a-backup-under-vss",
        .signals = {judged(refusals_of_writers())},
        .consequences = {"snapshot-without-threads", "backup-attempt-failed", "backup-extension-state"},
        .diagnose = diagnose,
    };
}

}  // namespace remediations::causes::vss_writer_refused
