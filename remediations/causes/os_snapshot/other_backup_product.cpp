#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <boost/algorithm/string/predicate.hpp>
#include <set>

#include "remediations/knowledge/extension/last_run.hpp"
#include "remediations/knowledge/snapshot/freeze_failures.hpp"
#include "remediations/machine/process_list.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::other_backup_product {

namespace {

struct Product {
    std::string_view process;
    std::string_view name;
};

constexpr std::array products = {
    Product{"veeamservice", "Veeam Agent"},
    Product{"veeamagent", "Veeam Agent"},
    Product{"cvd", "Commvault"},
    Product{"cvlaunchd", "Commvault"},
    Product{"cvfwd", "Commvault"},
    Product{"clBackup", "Commvault"},
    Product{"nbdisco", "Veritas NetBackup"},
    Product{"bpcd", "Veritas NetBackup"},
    Product{"bpbkar", "Veritas NetBackup"},
    Product{"beremote", "Veritas Backup Exec"},
    Product{"dsmcad", "IBM Storage Protect"},
    Product{"dsmc", "IBM Storage Protect"},
    Product{"nsrexecd", "Dell NetWorker"},
    Product{"avagent.bin", "Dell Avamar"},
    Product{"acronis_mms", "Acronis"},
    Product{"bacula-fd", "Bacula"},
    Product{"bareos-fd", "Bareos"},
    Product{"urbackupclientbackend", "UrBackup"},
    Product{"rubrik_agent", "Rubrik"},
    Product{"svagents", "Azure Site Recovery"},
    // On Windows.
    Product{"wbengine.exe", "Windows Server Backup"},
    Product{"Veeam.EndPoint.Service.exe", "Veeam Agent"},
    Product{"VeeamAgent.exe", "Veeam Agent"},
    Product{"VeeamVssAgent.exe", "Veeam Backup"},
    Product{"cvd.exe", "Commvault"},
    Product{"DPMRA.exe", "Data Protection Manager or Azure Backup Server"},
    Product{"cbengine.exe", "Azure Backup agent (MARS)"},
    Product{"svagents.exe", "Azure Site Recovery"},
    Product{"bpcd.exe", "Veritas NetBackup"},
    Product{"beremote.exe", "Veritas Backup Exec"},
    Product{"dsmcsvc.exe", "IBM Storage Protect"},
    Product{"nsrexecd.exe", "Dell NetWorker"},
    Product{"avtar.exe", "Dell Avamar"},
    Product{"mms.exe", "Acronis"},
    Product{"bacula-fd.exe", "Bacula"},
    Product{"rbs.exe", "Rubrik"},
    Product{"Duplicati.Server.exe", "Duplicati"},
};

Finding diagnose(const machine::Machine& machine) {
    const auto& processes = machine.derived<machine::ProcessList>().processes();
    if (!processes) return Finding::unknown("the processes", processes.error());
    const bool is_windows = machine.facts().platform == machine::Platform::windows;
    std::vector<Evidence> evidence;
    std::set<std::string_view> names;
    for (const auto& process : *processes) {
        const auto* product = std::ranges::find_if(products, [&](const auto& one) {
            return is_windows ? boost::iequals(one.process, process.name) : one.process == process.name;
        });
        if (product == products.end() || !process.of_system) continue;
        evidence.push_back({fmt::format("process {} (pid {})", process.name, process.pid), std::string(product->name),
                            "takes no snapshot while Azure Backup does"});
        names.insert(product->name);
    }
    if (names.empty()) return Finding::healthy("No other backup product that is known here runs.");
    const auto summary = fmt::format("{} runs here too.", fmt::join(names, ", "));
    if (last_backup_succeeded(machine)) {
        return Finding::healthy(summary + " The last backup succeeded beside it.", std::move(evidence));
    }
    if (is_windows && !machine.derived<LastRun>().is_failure()) {
        return Finding::healthy(summary + " No backup failed beside it.", std::move(evidence));
    }
    return Finding::needs_operator(
               summary + " Two products that take snapshots or freeze at the same time make each other fail.",
               std::move(evidence), "Compare the times of its jobs with those of Azure Backup, and move one of them.")
        .as_risk();
}

}  // namespace

Remediation remediation() {
    return {
        .id = "other-backup-product",
        .title = "Another backup product takes snapshots of this VM",
        .layer = Layer::os_snapshot,
        .scope = Scope::both,
        .error_codes = {"ExtensionFailedSnapshotRateExceededError", "UserErrorFsFreezeFailed", "173",
                        "ExtensionFailedVssWriterInBadState", "ExtensionSnapshotFailed"},
        .explanation =
            "A second product that freezes file systems or takes snapshots of the same disks at the same time makes "
            "the freeze fail as busy, or exceeds the rate at which Azure takes snapshots of a disk. It is known by its "
            "processes and is only reported.",
        .source = "https://learn.microsoft.com/azure/backup/backup-azure-vms-troubleshoot",
        .diagnose = diagnose,
    };
}

}  // namespace remediations::causes::other_backup_product
