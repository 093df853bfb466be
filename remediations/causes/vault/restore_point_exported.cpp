#include <fmt/format.h>

#include "remediations/changes/changes.hpp"
#include "remediations/knowledge/azure/arm_answer.hpp"
#include "remediations/knowledge/azure/locks.hpp"
#include "remediations/knowledge/azure/restore_points.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::restore_point_exported {

Remediation remediation();

namespace {

using namespace remediations::azure;

/// Which of them is exported no answer of Azure tells: with the code, it is one of these.
Finding diagnose_in_azure(const machine::Machine& machine, const Question& question) {
    constexpr std::size_t most_named = 20;
    const auto collections = collections_of_backup(machine);
    if (!collections) return not_told(collections.error());
    if (!explains(remediation(), question.error_code)) {
        return Finding::not_applicable("Only the error code of a job tells that a restore point is exported.");
    }
    std::vector<Evidence> evidence;
    std::vector<std::string> named;
    std::size_t count = 0;
    for (const auto& collection : *collections) {
        for (const auto& point : collection.points) {
            for (const auto& id : point.disk_points) {
                if (may_change(machine, question, id)) named.push_back(id);
                if (++count > most_named) continue;
                evidence.push_back({id,
                                    point.made ? "made " + shown(*point.made) : std::string("made at no known time"),
                                    "no access (SAS) given to it"});
            }
        }
    }
    if (evidence.empty()) return Finding::not_applicable("Azure shows no restore point of a disk of this VM.");
    auto finding = Finding::needs_operator(
        fmt::format("{} restore point{} of disks {} there; {} still exported.", count, count == 1 ? "" : "s",
                    count == 1 ? "is" : "are", count == 1 ? "it is" : "one of them is"),
        std::move(evidence), remediation().instructions);
    finding.basis = Basis::error_code;
    if (!named.empty()) {
        finding.state = State::broken;
        finding.subjects = std::move(named);
    }
    return finding;
}

machine::Result<void> fix(const Finding& finding, Changes& changes) {
    for (const auto& id : finding.subjects) {
        if (auto allowed = no_lock_on(changes.machine(), id, LockedAct::write); !allowed) return allowed;
        if (auto ended = changes.end_export(id); !ended) return ended;
    }
    return {};
}

}  // namespace

Remediation remediation() {
    return {
        .id = "restore-point-exported",
        .title = "A restore point of a disk is still being exported",
        .layer = Layer::vault,
        .scope = Scope::both,
        .error_codes = {"DiskRestorePointUsedByCustomer"},
        .disruption = Disruption::workload,
        .explanation =
            "Somebody was given access (a SAS) to a disk restore point, and as long as it is open the restore point "
            "can be neither deleted nor replaced.",
        .source = "https://learn.microsoft.com/azure/virtual-machines/restore-point-troubleshooting",
        .only_next_backup_proves = true,
        .acts_in_azure = true,
        .instructions =
            "End it: az rest --method post --url https://management.azure.com<disk restore point "
            "id>/endGetAccess?api-version=2024-03-02, or in the portal the restore point > the disk > Cancel export. "
            "Then back up again.",
        .diagnose_in_azure = diagnose_in_azure,
        .fix = fix,
    };
}

}  // namespace remediations::causes::restore_point_exported
