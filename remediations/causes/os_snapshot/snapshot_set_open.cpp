#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "remediations/changes/changes.hpp"
#include "remediations/knowledge/extension/last_run.hpp"
#include "remediations/knowledge/logs/log_evidence.hpp"
#include "remediations/machine/process_list.hpp"

namespace remediations::causes::snapshot_set_open {

using machine::Machine;

namespace {

constexpr auto vss = "VSS";
constexpr auto provider = "swprv";
/// VSS_E_SNAPSHOT_SET_IN_PROGRESS.
constexpr std::uint32_t set_in_progress = 0x80042316;
constexpr std::array marks = {"0x80042316", "SNAPSHOT_SET_IN_PROGRESS", "SnapshotSetInProgress"};

const LogLine* newest_line(const Machine& machine) {
    for (const auto* mark : marks) {
        if (const auto* match = machine.derived<LogEvidence>().find_current(Log::extension, mark)) {
            return &match->newest;
        }
    }
    return nullptr;
}

std::optional<std::chrono::system_clock::time_point> start_of(const Machine& machine, std::uint32_t pid) {
    const auto& processes = machine.derived<machine::ProcessList>().processes();
    if (!processes || pid == 0) return std::nullopt;
    const auto found = std::ranges::find(*processes, pid, &machine::Process::pid);
    const bool is_known = found != processes->end() && found->started != std::chrono::system_clock::time_point{};
    return is_known ? std::optional(found->started) : std::nullopt;
}

Finding diagnose(const Machine& machine) {
    const auto* line = newest_line(machine);
    if (line == nullptr) return Finding::healthy("No backup was refused for another snapshot in progress.");
    std::vector<Evidence> evidence{line->evidence("no other snapshot in progress")};
    const auto service = machine.services().find(vss);
    if (!service) return Finding::unknown(std::string("service ") + vss, service.error());
    const bool runs = service->state != machine::ServiceState::stopped;
    const auto started = start_of(machine, service->pid);
    if (started && line->time && *started > *line->time) {
        return Finding::healthy("The Volume Shadow Copy service was restarted since a snapshot was left open.",
                                std::move(evidence));
    }
    evidence.push_back(
        {std::string("service ") + vss,
         started ? fmt::format("running since {:%Y-%m-%d %H:%M}Z", *started) : std::string(to_string(service->state)),
         "stopped when idle, or restarted since"});
    if (runs) {
        return Finding::broken("A program that takes snapshots left one open, so VSS refuses every other.",
                               std::move(evidence),
                               "Restart the Volume Shadow Copy service, which ends the open snapshot. Move the jobs of "
                               "other backup products away from the time of Azure Backup.");
    }
    auto finding = Finding::needs_operator(
        "VSS refused the snapshot because another program was just taking one.", std::move(evidence),
        "Find the other program that takes snapshots at the time of the backup (Windows Server Backup, a scheduled "
        "task for previous versions, another backup product) and move one of the two.");
    const bool explains_last = names_code(machine.derived<LastRun>().failure_text(), set_in_progress);
    return explains_last ? finding : std::move(finding).as_risk();
}

machine::Result<void> fix(const Finding&, Changes& changes) {
    if (auto restarted = changes.restart_service(vss); !restarted) return restarted;
    const auto service = changes.machine().services().find(provider);
    const bool runs = service && service->state == machine::ServiceState::running;
    return runs ? changes.restart_service(provider) : machine::Result<void>();
}

std::vector<LogPattern> patterns() {
    std::vector<LogPattern> all;
    for (const auto* mark : marks) all.push_back({Log::extension, mark});
    return all;
}

std::vector<Signal> proofs() {
    std::vector<Signal> all;
    for (const auto* mark : marks)
        all.push_back({.role = Role::proof, .line = {Log::extension, mark}, .heals_unsaid = true});
    return all;
}

}  // namespace

Remediation remediation() {
    return {
        .id = "snapshot-set-open",
        .title = "Another program's snapshot was left open",
        .layer = Layer::os_snapshot,
        .scope = Scope::windows,
        .error_codes = {"ExtensionFailedVssServiceInBadState", "ExtensionFailedVssWriterInBadState",
                        "ExtensionSnapshotFailed"},
        .disruption = Disruption::service_restart,
        .explanation =
            "VSS takes one snapshot at a time. A program that fails in the middle of one leaves it open, and every "
            "other is refused with 0x80042316 until the service is restarted, which the fix does while no backup runs. "
            "It comes back with the next failure of that program.",
        .source =
            "https://learn.microsoft.com/windows/win32/api/vsbackup/nf-vsbackup-ivssbackupcomponents-startsnapshotset",
        .signals = joined({all_judged(patterns()), proofs()}),
        .consequences = {"backup-attempt-failed", "backup-extension-state"},
        .diagnose = diagnose,
        .fix = fix,
    };
}

}  // namespace remediations::causes::snapshot_set_open
