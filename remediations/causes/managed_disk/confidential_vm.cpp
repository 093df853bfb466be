#include <boost/algorithm/string/predicate.hpp>

#include "remediations/knowledge/network/azure_disks.hpp"
#include "remediations/knowledge/network/snapshot_attempt.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::confidential_vm {

namespace {

Finding diagnose(const machine::Machine& machine) {
    const auto& vm = machine.derived<InstanceMetadata>().description();
    if (!vm) return disks_not_known(machine);
    if (!boost::iequals(vm->security_type, "ConfidentialVM")) {
        return Finding::healthy("The VM is not a confidential one.");
    }
    std::vector<Evidence> evidence{{metadata_source, "securityType " + vm->security_type, "another security type"}};
    if (newest_backup_succeeded(machine)) {
        return Finding::healthy("The newest backup of this confidential VM succeeded.", std::move(evidence));
    }
    return Finding::needs_operator("This is a confidential VM; Azure Backup supports such VMs with limits only.",
                                   std::move(evidence),
                                   "Compare the VM's size, region, disk encryption and backup policy with what the "
                                   "support matrix for Azure VM backup allows for confidential VMs.")
        .as_risk();
}

}  // namespace

Remediation remediation() {
    return {
        .id = "confidential-vm",
        .title = "The VM is a confidential VM",
        .layer = Layer::managed_disk,
        .scope = Scope::both,
        .error_codes = {"UserErrorUnsupportedDiskConfiguration", "UserErrorInvalidManagedDiskOperation"},
        .disruption = Disruption::none,
        .explanation =
            "Confidential VMs are supported by Azure Backup in part: it depends on size, region, policy and the way in "
            "which the OS disk is encrypted. Trusted Launch is supported with Enhanced policies.",
        .source = "https://learn.microsoft.com/azure/backup/backup-support-matrix-iaas",
        .diagnose = diagnose,
    };
}

}  // namespace remediations::causes::confidential_vm
