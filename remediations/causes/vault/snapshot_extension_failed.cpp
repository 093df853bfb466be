#include <fmt/format.h>

#include <algorithm>
#include <boost/algorithm/string/predicate.hpp>

#include "remediations/changes/changes.hpp"
#include "remediations/knowledge/azure/arm_answer.hpp"
#include "remediations/knowledge/azure/backup_jobs.hpp"
#include "remediations/knowledge/azure/locks.hpp"
#include "remediations/knowledge/azure/vm_in_azure.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::snapshot_extension_failed {

namespace {

using namespace remediations::azure;

Finding diagnose_in_azure(const machine::Machine& machine, const Question&) {
    const auto& vm = machine.derived<VmInAzure>();
    if (!vm.extensions()) return not_told(vm.extensions().error());
    const auto& jobs = machine.derived<BackupJobs>();
    const auto* job = jobs.newest();
    for (const auto& extension : *vm.extensions()) {
        if (!extension.is_of_backup()) continue;
        const auto* failure = extension.failure();
        const auto seen = failure ? fmt::format("{}: {}", failure->code, failure->message) : extension.state;
        const Evidence evidence{"extension " + extension.name, seen, "Succeeded"};
        if (!extension.has_failed()) {
            return Finding::healthy("Azure's model has the backup extension in order.", {evidence});
        }
        if (job && job->runs()) {
            return Finding::healthy("A backup runs at present, and renews the extension.", {evidence});
        }
        const auto id = fmt::format("{}/extensions/{}", machine.azure().access()->vm_id, extension.name);
        auto finding = Finding::broken(
            fmt::format("Azure's model has the backup extension {} as failed.", extension.name), {evidence},
            fmt::format(
                "While the VM runs and no backup does: az vm extension delete --ids \"{}\". Then back up: Azure "
                "Backup adds it again.",
                id));
        finding.subjects = {id};
        // An extension of a VM that is off cannot be deleted; and a backup that nobody sees must not be disturbed.
        const bool is_seen_idle = vm.view() && vm.view()->is_running() && jobs.jobs();
        if (!is_seen_idle) finding.state = State::needs_operator;
        return finding;
    }
    return Finding::healthy("Azure's model has no backup extension; the next backup adds it.");
}

machine::Result<void> fix(const Finding& finding, Changes& changes) {
    for (const auto& id : finding.subjects) {
        if (auto allowed = no_lock_on(changes.machine(), id, LockedAct::deletion); !allowed) return allowed;
        if (auto deleted = changes.delete_vm_extension(id); !deleted) return deleted;
        changes.azure_shows([&](const machine::Machine& machine) {
            const auto& extensions = machine.derived<VmInAzure>().extensions();
            return extensions && std::ranges::none_of(*extensions, [&](const VmExtension& extension) {
                       return boost::iequals(extension.name, name_of(id));
                   });
        });
    }
    return {};
}

}  // namespace

Remediation remediation() {
    return {
        .id = "snapshot-extension-failed",
        .title = "The backup extension has failed in Azure's model of the VM",
        .layer = Layer::vault,
        .scope = Scope::both,
        .error_codes = {},
        .disruption = Disruption::none,
        .explanation =
            "Azure keeps VMSnapshot or VMSnapshotLinux as a resource of the VM. When it has failed there, the VM as a "
            "whole counts as failed, and backups are refused though the extension in the guest may be well. Deleting "
            "the resource loses nothing: the next backup adds it again. It is seen where Azure may be asked (setting "
            "azure).",
        .source = "https://learn.microsoft.com/azure/backup/backup-azure-troubleshoot-vm-backup-fails-snapshot-timeout",
        .consequences = {"provisioning-state-failed"},
        .acts_in_azure = true,
        .instructions = "See az vm extension list; delete VMSnapshot or VMSnapshotLinux while no backup runs.",
        .diagnose_in_azure = diagnose_in_azure,
        .fix = fix,
    };
}

}  // namespace remediations::causes::snapshot_extension_failed
