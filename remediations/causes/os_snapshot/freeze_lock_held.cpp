#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "remediations/knowledge/snapshot/freeze_failures.hpp"
#include "remediations/knowledge/snapshot/freeze_targets.hpp"
#include "remediations/machine/process_list.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::freeze_lock_held {

namespace {

constexpr auto lock_refused = "Failed to open file or aquire lock:";
constexpr auto lock_obtained = "Aquiring lock succeeded";
constexpr auto frozen_by_another = "already freezed by some other processor";
/// EAGAIN and EACCES: the errors of fcntl where another process holds the lock.
constexpr std::array<std::string_view, 2> held = {"[Errno 11]", "[Errno 13]"};

/// Processes of the mobility service of Azure Site Recovery, which freezes under the same lock.
constexpr std::array<std::string_view, 2> site_recovery = {"svagents", "evtcollforw"};

bool tells_of_the_last_run(const machine::Machine& machine, const LogMatch* match) {
    if (match == nullptr) return false;
    const auto* newest = machine.derived<LogEvidence>().newest_attempt();
    if (newest == nullptr || !newest->started) return true;
    return newest->succeeded != true && belongs_to(match->newest, *newest);
}

/// Returns true if the run got the lock after the refusal. A run tries at most five times and stops at the first
/// success.
bool was_obtained_after(const LogMatch* obtained, const LogMatch& refused) {
    if (obtained == nullptr) return false;
    const auto& later = obtained->newest;
    if (later.file == refused.newest.file && later.number != 0) return later.number > refused.newest.number;
    return later.time && refused.newest.time && *later.time > *refused.newest.time;
}

Finding diagnose(const machine::Machine& machine) {
    const auto& log = machine.derived<LogEvidence>();
    const auto* refused = log.find_current(Log::extension, lock_refused);
    const auto* frozen = log.find_current(Log::extension, frozen_by_another);
    const bool was_refused =
        tells_of_the_last_run(machine, refused) &&
        !was_obtained_after(log.find(Log::extension, lock_obtained), *refused) &&
        std::ranges::any_of(held, [&](auto code) { return refused->newest.text.find(code) != std::string::npos; });
    const bool was_frozen = tells_of_the_last_run(machine, frozen);
    if (!was_refused && !was_frozen) {
        return Finding::healthy("The last backup did not have to wait for another program that freezes.");
    }
    std::vector<Evidence> evidence;
    if (was_refused) evidence.push_back(refused->newest.evidence("the lock is free within 34 seconds"));
    if (was_frozen) evidence.push_back(frozen->newest.evidence("nobody else freezes at that time"));
    std::string holder = "another program";
    if (const auto& processes = machine.derived<machine::ProcessList>().processes()) {
        for (const auto& process : *processes) {
            if (!process.of_system || std::ranges::find(site_recovery, process.name) == site_recovery.end()) continue;
            evidence.push_back({fmt::format("process {} (pid {})", process.name, process.pid),
                                "the mobility service of Azure Site Recovery", "freezes at other times"});
            holder = "Azure Site Recovery";
        }
    }
    return Finding::needs_operator(
        fmt::format("{} held the lock of the freeze while the backup wanted to freeze.", holder), std::move(evidence),
        fmt::format(
            "Move the backup to a time at which the other program takes no snapshot (Site Recovery: its "
            "application-consistent snapshots have a schedule in the replication policy). `fuser -v {}` names a "
            "holder that never lets go.",
            freeze_lock_file));
}

}  // namespace

Remediation remediation() {
    return {
        .id = "freeze-lock-held",
        .title = "Another program freezes the file systems at the same time",
        .layer = Layer::os_snapshot,
        .scope = Scope::linux,
        .error_codes = {"UserErrorFsFreezeFailed", "121"},
        .explanation =
            "Azure Backup and Azure Site Recovery freeze under one lock file. The extension asks for it five times in "
            "about 34 seconds and then tries without it; file systems that are frozen already refuse, and the backup "
            "fails. The lock file itself is harmless and is left alone.",
        .source = "https://github.com/Azure/azure-linux-extensions/pull/1309",
        .signals = {judged(Log::extension, lock_refused), judged(Log::extension, lock_obtained),
                    judged(Log::extension, frozen_by_another)},
        .consequences = {"freeze-failed", "mounts-listed-twice"},
        .diagnose = diagnose,
    };
}

}  // namespace remediations::causes::freeze_lock_held
