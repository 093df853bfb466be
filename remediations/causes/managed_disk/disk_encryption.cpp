#include <fmt/format.h>

#include <algorithm>

#include "remediations/knowledge/configuration/agent_configuration.hpp"
#include "remediations/knowledge/network/azure_disks.hpp"
#include "remediations/knowledge/network/snapshot_attempt.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::disk_encryption {

namespace {

constexpr auto handler_prefix = "Microsoft.Azure.Security.AzureDiskEncryptionForLinux-";
constexpr auto windows_handler = R"(\Packages\Plugins\Microsoft.Azure.Security.AzureDiskEncryption)";
constexpr auto configuration_folder = "/var/lib/azure_disk_encryption_config";
/// The names that Azure Disk Encryption gives to its dm-crypt devices.
constexpr std::string_view encrypted_root = "/dev/mapper/osencrypt";

/// Returns signs of Azure Disk Encryption. Volumes that the customer encrypts with LUKS do not matter for backup.
std::vector<Evidence> signs(const machine::Machine& machine) {
    std::vector<Evidence> evidence;
    const auto expected = "a key vault that Backup Management Service may use";
    if (const auto& vm = machine.derived<InstanceMetadata>().description()) {
        for (const auto& disk : vm->disks()) {
            if (disk.encrypted) {
                evidence.push_back({disk.described(), "encrypted with Azure Disk Encryption", expected});
            }
        }
    }
    if (machine.facts().platform == machine::Platform::windows) {
        const auto folder = machine.facts().system_drive + windows_handler;
        if (machine.files().status(folder)) evidence.push_back({folder, "exists", expected});
        return evidence;
    }
    const auto library = agent_library_folder(machine);
    if (const auto names = machine.files().list(library)) {
        const auto handler =
            std::ranges::find_if(*names, [](const auto& name) { return name.starts_with(handler_prefix); });
        const bool is_folder = handler != names->end() && !handler->ends_with(".zip");
        if (is_folder) evidence.push_back({library, *handler, expected});
    }
    if (machine.files().status(configuration_folder)) evidence.push_back({configuration_folder, "exists", expected});
    if (const auto mounts = machine.mounts().list()) {
        const auto root = std::ranges::find(*mounts, encrypted_root, &machine::Mount::source);
        if (root != mounts->end()) evidence.push_back({root->target, root->source, expected});
    }
    return evidence;
}

Finding diagnose(const machine::Machine& machine) {
    auto evidence = signs(machine);
    if (evidence.empty()) return Finding::not_applicable("Nothing shows Azure Disk Encryption on this VM.");
    if (newest_backup_succeeded(machine)) {
        return Finding::healthy("The newest backup succeeded with Azure Disk Encryption.", std::move(evidence));
    }
    return Finding::needs_operator(
               "Disks are encrypted with Azure Disk Encryption; their backup needs the key vault.", std::move(evidence),
               "In the key vault of the disks, let the service principal \"Backup Management Service\" get, list and "
               "back up keys and secrets (access policy, or the role Key Vault Administrator for vaults with RBAC); "
               "see that the key and secret are enabled and not expired, and that vault and VM are in the same region.")
        .as_risk();
}

}  // namespace

Remediation remediation() {
    return {
        .id = "disk-encryption",
        .title = "The VM's disks are encrypted with Azure Disk Encryption",
        .layer = Layer::managed_disk,
        .scope = Scope::both,
        .error_codes = {"UserErrorKeyVaultPermissionsNotConfigured", "UserErrorInvalidVMEncryptionInfo",
                        "DiskRestorePointClientError"},
        .disruption = Disruption::none,
        .explanation =
            "Azure Backup saves the keys of encrypted disks with the disks, so it must be allowed to read them in "
            "their key vault. Whether it is cannot be seen from inside the VM.",
        .source = "https://learn.microsoft.com/azure/backup/backup-azure-vms-encryption",
        .diagnose = diagnose,
    };
}

}  // namespace remediations::causes::disk_encryption
