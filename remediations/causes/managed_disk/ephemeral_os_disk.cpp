#include "remediations/knowledge/network/azure_disks.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::ephemeral_os_disk {

namespace {

Finding diagnose(const machine::Machine& machine) {
    return judge_disks(
        machine, {.concerns = [](const AzureDisk& disk) { return disk.ephemeral; },
                  .seen = [](const AzureDisk&) { return std::string("ephemeral: on the host's local storage"); },
                  .expected = "a managed disk",
                  .healthy = "The OS disk is not ephemeral.",
                  .finding =
                      [](std::vector<Evidence> evidence) {
                          return Finding::needs_operator(
                              "The OS disk is ephemeral; Azure Backup cannot back up such a VM.", std::move(evidence),
                              "Keep what must last on data disks and protect it there (Azure Disk Backup), or create "
                              "the VM anew with a managed OS disk: an ephemeral one cannot be converted.");
                      }});
}

}  // namespace

Remediation remediation() {
    return {
        .id = "ephemeral-os-disk",
        .title = "The VM's OS disk is ephemeral",
        .layer = Layer::managed_disk,
        .scope = Scope::both,
        .error_codes = {"UserErrorUnsupportedDiskConfiguration", "UserErrorUnsupportedStorageType"},
        .disruption = Disruption::none,
        .explanation =
            "An ephemeral OS disk lies on the host's local storage, of which no snapshot can be taken. Azure Backup "
            "does not support VMs that have one.",
        .source = "https://learn.microsoft.com/azure/backup/backup-azure-vms-troubleshoot",
        .diagnose = diagnose,
    };
}

}  // namespace remediations::causes::ephemeral_os_disk
