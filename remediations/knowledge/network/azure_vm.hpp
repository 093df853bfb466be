#pragma once

#include <vector>

#include "remediations/model/remediation.hpp"

namespace remediations {

/// Whether this machine is a VM in Azure. Get it through machine.derived<AzureVm>().
class AzureVm {
public:
    explicit AzureVm(const machine::Machine& machine);

    /// True too where it cannot be told: only a machine without any sign of Azure (the chassis' asset
    /// tag, the guest agent, an answer of the platform) is none.
    bool is_one() const { return is_one_; }

    /// What was looked at.
    const std::vector<Evidence>& evidence() const { return evidence_; }

    /// For a remediation that has nothing to say about other machines.
    static Finding elsewhere();

private:
    bool is_one_ = true;
    std::vector<Evidence> evidence_;
};

}  // namespace remediations
