#include "remediations/knowledge/network/azure_disks.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::unmanaged_disk {

namespace {

Finding diagnose(const machine::Machine& machine) {
    return judge_disks(
        machine,
        {.concerns = [](const AzureDisk& disk) { return !disk.managed && !disk.vhd_uri.empty(); },
         .seen = [](const AzureDisk& disk) { return "page blob " + disk.vhd_uri.substr(0, disk.vhd_uri.find('?')); },
         .expected = "a managed disk",
         .healthy = "All disks are managed disks.",
         .finding =
             [&](std::vector<Evidence> evidence) {
                 return risk_where_backups_succeed(
                     machine,
                     Finding::needs_operator(
                         "A disk is an unmanaged one, a blob in a storage account.", std::move(evidence),
                         "Migrate the VM to managed disks (stop it, VM > Disks > Migrate to managed disks, or az vm "
                         "convert), then back it up again."));
             }});
}

}  // namespace

Remediation remediation() {
    return {
        .id = "unmanaged-disk",
        .title = "A disk of the VM is not a managed disk",
        .layer = Layer::managed_disk,
        .scope = Scope::both,
        .error_codes = {"UserErrorUnsupportedStorageType", "UserErrorComputeVmWithClassicStorage",
                        "UserErrorBCMPremiumStorageQuotaError", "UserErrorStorageAccountIsLocked"},
        .disruption = Disruption::none,
        .explanation =
            "Restore points are taken of managed disks. Unmanaged ones, blobs in a storage account of the customer's, "
            "depend on that account's limits, locks and firewall, and Azure retires them.",
        .source = "https://learn.microsoft.com/azure/virtual-machines/unmanaged-disks-deprecation",
        .diagnose = diagnose,
    };
}

}  // namespace remediations::causes::unmanaged_disk
