#include <fmt/format.h>

#include <algorithm>

#include "remediations/knowledge/extension/vss_suspicion.hpp"
#include "remediations/knowledge/snapshot/vss_writer_services.hpp"
#include "remediations/knowledge/snapshot/vss_writers.hpp"
#include "remediations/knowledge/windows/registry_values.hpp"

namespace remediations::causes::cluster_volume_writer {

namespace {

constexpr auto key = R"(HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\Failover Clusters)";
constexpr auto name = "EnableCsvVssWriter";

EventPattern refusals() {
    return {"Application", "VSS", {8229}};
}
EventPattern cluster_backup_cancelled() {
    return {"System", "Microsoft-Windows-FailoverClustering", {1544}};
}

bool is_of_cluster_volumes(const machine::Event& event) {
    const auto named = guids_in(text_of(event));
    return std::ranges::find(named, cluster_volume_writer_id) != named.end();
}

Finding diagnose(const machine::Machine& machine) {
    const auto* refused = newest_current(machine, refusals(), is_of_cluster_volumes);
    if (refused == nullptr) {
        return Finding::healthy("The VSS writer of cluster shared volumes did not refuse a snapshot.");
    }
    std::vector<Evidence> evidence{evidence_of(*refused, "no writer that refuses")};
    if (const auto* cancelled = newest_current(machine, cluster_backup_cancelled())) {
        evidence.push_back(evidence_of(*cancelled, "the cluster's configuration is backed up"));
    }
    const auto where = fmt::format("{}\\{}", key, name);
    const auto enabled = registry_number(machine, key, name);
    if (!enabled) return Finding::unknown(where, enabled.error());
    evidence.push_back({where, *enabled ? std::to_string(**enabled) : "not set", "0 where there is no such volume"});
    if (*enabled == std::uint64_t{0}) {
        return Finding::needs_operator(
                   "The VSS writer of cluster shared volumes is switched off, which counts after a restart of the VM.",
                   std::move(evidence), "Restart this node, and then the others, at the next occasion.")
            .as_risk();
    }
    return Finding::needs_operator(
        "The VSS writer of cluster shared volumes refuses the snapshot.", std::move(evidence),
        fmt::format(
            "See with Get-ClusterSharedVolume whether the cluster has such volumes. If it has none, set {} to 0 "
            "(REG_DWORD) on every node and restart the nodes one after the other. If it has some, Azure Backup "
            "cannot back up this VM with them: exclude those disks.",
            where));
}

}  // namespace

Remediation remediation() {
    return {
        .id = "cluster-volume-writer",
        .title = "The VSS writer of cluster shared volumes refuses the snapshot",
        .layer = Layer::os_snapshot,
        .scope = Scope::windows,
        .error_codes = {"ExtensionFailedVssWriterInBadState", "ExtensionSnapshotFailed"},
        .explanation =
            "Failover clustering brings this writer even where no cluster shared volume is used. It refuses the "
            "snapshot (VSS 8229, FailoverClustering 1544), so that the backup is only consistent for file systems or "
            "fails. It can be switched off, on every node and with a restart, which is for the cluster's administrator "
            "to decide.",
        .source = "https://learn.microsoft.com/azure/backup/backup-support-matrix-iaas",
        .signals = {judged(refusals()),
                    judged(cluster_backup_cancelled()),
                    {.role = Role::proof, .event = refusals(), .with = {std::string(cluster_volume_writer_id)}}},
        .consequences = {"vss-writer-refused", "vss-writer-of-application-failed", "backup-attempt-failed",
                         "backup-extension-state"},
        .diagnose = diagnose,
    };
}

}  // namespace remediations::causes::cluster_volume_writer
