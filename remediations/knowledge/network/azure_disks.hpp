#pragma once

#include <functional>

#include "remediations/knowledge/network/instance_metadata.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations {

/// The rules by which a remediation about kinds of disks judges this VM.
struct DiskJudgement {
    std::function<bool(const AzureDisk&)> concerns;
    std::function<std::string(const AzureDisk&)> seen;  ///< "storage type UltraSSD_LRS"
    std::string expected;                               ///< "a managed disk"
    std::string healthy;                                ///< summary where it concerns no disk
    /// Makes the finding from the evidence of the disks that it concerns.
    std::function<Finding(std::vector<Evidence>)> finding;
};

/// Judges the disks of the VM by Azure's model. Unknown where the model cannot be read: then the finding says to look
/// in the portal.
Finding judge_disks(const machine::Machine& machine, const DiskJudgement& judgement);

/// Returns State::unknown, because the instance metadata service does not answer; not_applicable outside Azure.
Finding disks_not_known(const machine::Machine& machine);

/// Returns the same finding, as a risk where the newest backup succeeded, because then it stops no backup.
Finding risk_where_backups_succeed(const machine::Machine& machine, Finding finding);

}  // namespace remediations
