#pragma once

#include <vector>

#include "remediations/model/remediation.hpp"

namespace remediations {

/// Tells if this machine is a VM in Azure. Get it through machine.derived<AzureVm>().
class AzureVm {
public:
    explicit AzureVm(const machine::Machine& machine);

    /// Returns true also where that is not known. False only for a machine without any sign of Azure: the chassis'
    /// asset tag, the guest agent, an answer of the platform.
    bool is_one() const { return is_one_; }

    /// Returns what was looked at; empty where is_one() is true.
    const std::vector<Evidence>& evidence() const { return evidence_; }

    /// Returns the finding of a remediation that does not apply to other machines.
    static Finding elsewhere();

private:
    bool is_one_ = true;
    std::vector<Evidence> evidence_;
};

}  // namespace remediations
