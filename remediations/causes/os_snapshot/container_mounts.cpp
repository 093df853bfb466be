#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "remediations/knowledge/snapshot/freeze_failures.hpp"
#include "remediations/knowledge/snapshot/freeze_targets.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::container_mounts {

namespace {

/// Folders in which container engines and Kubernetes mount and unmount whenever containers start and stop.
constexpr std::array<std::string_view, 9> folders = {"/var/lib/docker",     "/var/lib/kubelet", "/var/lib/containers",
                                                     "/var/lib/containerd", "/run/containerd",  "/run/containers",
                                                     "/run/docker",         "/var/lib/rancher", "/var/snap/docker"};

bool is_of_containers(std::string_view mount_point) {
    return std::ranges::any_of(folders, [&](auto folder) { return lies_in(mount_point, folder); });
}

Finding diagnose(const machine::Machine& machine) {
    const auto mounts = machine.mounts().list();
    const auto count =
        mounts
            ? std::ranges::count_if(
                  *mounts, [](const auto& mount) { return mount.type == "overlay" || is_of_containers(mount.target); })
            : 0;
    std::vector<Evidence> evidence;
    if (count > 0) {
        const auto targets = freeze_targets(machine);
        if (!targets) return Finding::unknown("the mount table", targets.error());
        const auto frozen = std::ranges::count_if(
            *targets, [](const auto& target) { return !target.skipped && is_of_containers(target.mount_point); });
        evidence.push_back({"mount table",
                            fmt::format("{} mounts of containers, {} of them of disks that are frozen", count, frozen),
                            "overlay mounts themselves are never frozen and do no harm"});
    }
    std::string failed;
    for (const auto& failure : current_mount_failures(machine)) {
        if (!is_of_containers(failure.mount_point)) continue;
        evidence.push_back(failure.line.evidence("still mounted when safefreeze gets there"));
        if (failed.empty()) failed = failure.mount_point;
    }
    if (!failed.empty()) {
        return Finding::needs_operator(
            fmt::format("The backup failed at a mount of a container, {}, which comes and goes.", failed),
            std::move(evidence),
            "Run backups when no pods or containers start or stop. Keep data of containers on disks that are mounted "
            "for good (in /etc/fstab), or back up the application instead; Azure Backup does not support container "
            "mounts.");
    }
    if (!mounts) return Finding::unknown("the mount table", mounts.error());
    if (count == 0) return Finding::not_applicable("No containers are mounted here.");
    return Finding::healthy("Mounts of containers did not disturb the last backup.", std::move(evidence));
}

}  // namespace

Remediation remediation() {
    return {
        .id = "container-mounts",
        .title = "Mounts of containers come and go while the backup freezes",
        .layer = Layer::os_snapshot,
        .scope = Scope::linux,
        .error_codes = {"UserErrorFsFreezeFailed", "UserErrorUnableToOpenMount", "121", "123"},
        .explanation =
            "The extension lists the mounts seconds before it freezes them. Persistent volumes of Kubernetes and "
            "Docker are disks with ext4 or xfs whose mount points vanish with their pod, and one that is gone ends the "
            "freeze. Overlay, tmpfs and the like are never frozen.",
        .source = "https://learn.microsoft.com/azure/backup/backup-support-matrix-iaas",
        .consequences = {"freeze-failed", "mount-unreachable"},
        .diagnose = diagnose,
    };
}

}  // namespace remediations::causes::container_mounts
