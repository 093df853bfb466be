#include "remediations/knowledge/network/azure_disks.hpp"

#include "remediations/knowledge/network/azure_vm.hpp"
#include "remediations/knowledge/network/snapshot_attempt.hpp"

namespace remediations {

Finding disks_not_known(const machine::Machine& machine) {
    if (!machine.derived<AzureVm>().is_one()) return AzureVm::elsewhere();
    return Finding::unknown(metadata_source, machine.derived<InstanceMetadata>().description().error());
}

Finding judge_disks(const machine::Machine& machine, const DiskJudgement& judgement) {
    const auto& vm = machine.derived<InstanceMetadata>().description();
    if (!vm) return disks_not_known(machine);
    std::vector<Evidence> evidence;
    for (const auto& disk : vm->disks()) {
        if (judgement.concerns(disk)) evidence.push_back({disk.described(), judgement.seen(disk), judgement.expected});
    }
    return evidence.empty() ? Finding::healthy(judgement.healthy) : judgement.finding(std::move(evidence));
}

Finding risk_where_backups_succeed(const machine::Machine& machine, Finding finding) {
    return newest_backup_succeeded(machine) ? std::move(finding).as_risk() : finding;
}

}  // namespace remediations
