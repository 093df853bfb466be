#include <fmt/format.h>

#include <boost/algorithm/string/predicate.hpp>

#include "remediations/knowledge/azure/arm_answer.hpp"
#include "remediations/knowledge/azure/backup_jobs.hpp"
#include "remediations/knowledge/azure/vm_in_azure.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::snapshot_extension_failed {

namespace {

using namespace remediations::azure;

Finding diagnose_in_azure(const machine::Machine& machine, const Question&) {
    const auto& vm = machine.derived<VmInAzure>();
    if (!vm.extensions()) return not_told(vm.extensions().error());
    const auto* job = machine.derived<BackupJobs>().newest();
    for (const auto& extension : *vm.extensions()) {
        if (!extension.is_of_backup()) continue;
        const auto* failure = extension.failure();
        const auto seen = failure ? fmt::format("{}: {}", failure->code, failure->message) : extension.state;
        const Evidence evidence{"extension " + extension.name, seen, "Succeeded"};
        if (!extension.has_failed())
            return Finding::healthy("Azure's model has the backup extension in order.", {evidence});
        if (job && job->runs())
            return Finding::healthy("A backup runs at present, and renews the extension.", {evidence});
        const auto vm_id = machine.azure().access()->vm_id;
        return Finding::needs_operator(
            fmt::format("Azure's model has the backup extension {} as failed.", extension.name), {evidence},
            fmt::format(
                "While the VM runs and no backup does: az vm extension delete --ids \"{}/extensions/{}\". Then back "
                "up: Azure Backup adds it again.",
                vm_id, extension.name));
    }
    return Finding::healthy("Azure's model has no backup extension; the next backup adds it.");
}

}  // namespace

extern const Remediation remediation{
    .id = "snapshot-extension-failed",
    .title = "The backup extension has failed in Azure's model of the VM",
    .layer = Layer::vault,
    .scope = Scope::both,
    .error_codes = {},
    .disruption = Disruption::none,
    .explanation =
        "Azure keeps VMSnapshot or VMSnapshotLinux as a resource of the VM. When it has failed there, the VM as a "
        "whole "
        "counts as failed, and backups are refused though the extension in the guest may be well. Deleting the "
        "resource "
        "loses nothing: the next backup adds it again. It is seen where Azure may be asked (setting azure).",
    .source = "https://learn.microsoft.com/azure/backup/backup-azure-troubleshoot-vm-backup-fails-snapshot-timeout",
    .consequences = {"provisioning-state-failed"},
    .instructions = "See az vm extension list; delete VMSnapshot or VMSnapshotLinux while no backup runs.",
    .diagnose_in_azure = diagnose_in_azure,
};

}  // namespace remediations::causes::snapshot_extension_failed
