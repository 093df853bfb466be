#include <fmt/format.h>

#include <algorithm>
#include <boost/algorithm/string/predicate.hpp>

#include "remediations/changes/changes.hpp"
#include "remediations/knowledge/extension/last_run.hpp"
#include "remediations/knowledge/extension/vss_suspicion.hpp"
#include "remediations/knowledge/snapshot/snapshot_timeouts.hpp"
#include "remediations/knowledge/snapshot/vss_writer_services.hpp"
#include "remediations/knowledge/snapshot/vss_writers.hpp"
#include "remediations/knowledge/windows/registry_values.hpp"

namespace remediations::causes::snapshot_without_threads {

namespace {

constexpr auto key = R"(HKLM\SOFTWARE\Microsoft\BcdrAgentPersistentKeys)";
constexpr auto name = "SnapshotWithoutThreads";

/// Returns true if the System Writer is there and no writer has failed: after the writers' services were restarted, or
/// where there is nothing to restart.
bool writers_are_stable(const machine::Machine& machine) {
    const auto& writers = machine.derived<VssWriters>().list();
    const auto is_system_writer = [](const auto& writer) { return writer.id == system_writer_id; };
    return writers && std::ranges::any_of(*writers, is_system_writer) && std::ranges::none_of(*writers, has_failed);
}

Finding diagnose(const machine::Machine& machine, const Question& question) {
    const auto where = fmt::format("{}\\{}", key, name);
    const auto value = registry_text(machine, key, name);
    if (!value) return Finding::unknown(where, value.error());
    Evidence set{where, value->value_or("not set"), "True where writers time out"};
    if (*value && boost::iequals(**value, "True")) {
        return Finding::healthy("The extension takes snapshots without threads of its own.", {std::move(set)});
    }
    const bool is_asked = boost::iequals(question.error_code, "ExtensionFailedVssWriterInBadState") || question.named;
    auto evidence = snapshot_timeouts(machine);
    const bool timed_out = !evidence.empty() && machine.derived<LastRun>().is_failure();
    if (!is_asked && !timed_out) return Finding::healthy("No writer timed out in the last backup.");
    if (is_asked && !timed_out && !writers_are_stable(machine)) {
        return Finding::healthy("The writers' own state comes first.");
    }
    evidence.push_back(std::move(set));
    return Finding::broken(
               "Snapshots fail although the writers are stable; the extension can take them in a simpler way.",
               std::move(evidence), fmt::format("Set {} to True (REG_SZ) and back up again.", where))
        .as_risk();
}

machine::Result<void> fix(const Finding&, Changes& changes) {
    return changes.set_registry_value(key, name, {machine::RegistryType::string, std::string("True")});
}

}  // namespace

Remediation remediation() {
    return {
        .id = "snapshot-without-threads",
        .title = "Writers time out although they are stable",
        .layer = Layer::os_snapshot,
        .scope = Scope::windows,
        .error_codes = {"ExtensionFailedVssWriterInBadState", "VMRestorePointClientError"},
        .disruption = Disruption::none,
        .explanation =
            "Where writers time out and restarting their services did not help, Microsoft has the extension take "
            "snapshots without threads of its own, which writers stand better on a busy VM. The fix sets the registry "
            "value it reads; it is an aid, not the cause.",
        .source = "https://learn.microsoft.com/azure/backup/backup-azure-vms-troubleshoot",
        .signals = all_judged(snapshot_timeout_events()),
        .diagnose_for = diagnose,
        .fix = fix,
    };
}

}  // namespace remediations::causes::snapshot_without_threads
