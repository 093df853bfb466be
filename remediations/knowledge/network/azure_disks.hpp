#pragma once

#include <functional>

#include "remediations/knowledge/network/instance_metadata.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations {

/// What a remediation about kinds of disks says of this VM.
struct DiskJudgement {
    std::function<bool(const AzureDisk&)> concerns;
    std::function<std::string(const AzureDisk&)> seen;  ///< "storage type UltraSSD_LRS"
    std::string expected;                               ///< "a managed disk"
    std::string healthy;                                ///< where it concerns no disk
    /// The finding of the disks it concerns, whose evidence is given.
    std::function<Finding(std::vector<Evidence>)> finding;
};

/// Judges the disks of the VM by Azure's model of it. Unknown where the model cannot be asked: then
/// the finding says to look in the portal.
Finding judge_disks(const machine::Machine& machine, const DiskJudgement& judgement);

/// Unknown, because the instance metadata service does not answer; not applicable outside Azure.
Finding disks_not_known(const machine::Machine& machine);

/// The same finding, as a risk where the newest backup succeeded: then it stops none.
Finding risk_where_backups_succeed(const machine::Machine& machine, Finding finding);

}  // namespace remediations
