#include "remediations/knowledge/network/azure_disks.hpp"
#include "remediations/knowledge/network/snapshot_attempt.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::write_accelerator {

namespace {

Finding diagnose(const machine::Machine& machine) {
    return judge_disks(
        machine,
        {.concerns = [](const AzureDisk& disk) { return disk.write_accelerator; },
         .seen = [](const AzureDisk&) { return std::string("Write Accelerator on"); },
         .expected = "off, or a way to the internet",
         .healthy = "No disk uses Write Accelerator.",
         .finding =
             [&](std::vector<Evidence> evidence) {
                 if (newest_backup_succeeded(machine)) {
                     return Finding::healthy("The newest backup succeeded with Write Accelerator on.",
                                             std::move(evidence));
                 }
                 return Finding::needs_operator(
                            "A disk uses Write Accelerator; the backup of such a VM needs a way to the internet.",
                            std::move(evidence),
                            "Let the VM reach the service tag Storage on TCP 443 (also where that disk is excluded "
                            "from the backup), or turn Write Accelerator off.")
                     .as_risk();
             }});
}

}  // namespace

Remediation remediation() {
    return {
        .id = "write-accelerator",
        .title = "A disk of the VM uses Write Accelerator",
        .layer = Layer::managed_disk,
        .scope = Scope::both,
        .error_codes = {"UserErrorWAEnabledDisksNotSupported", "UserErrorInvalidManagedDiskOperation"},
        .disruption = Disruption::none,
        .explanation =
            "Disks with Write Accelerator are backed up today, other than old pages and error texts say, but such a VM "
            "needs a way to the internet, even if the disk is excluded. The backup extension then takes its snapshots "
            "through the host alone.",
        .source = "https://learn.microsoft.com/azure/backup/backup-support-matrix-iaas",
        .diagnose = diagnose,
    };
}

}  // namespace remediations::causes::write_accelerator
