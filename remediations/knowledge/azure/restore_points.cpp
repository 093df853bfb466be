#include "remediations/knowledge/azure/restore_points.hpp"

#include <algorithm>
#include <boost/algorithm/string/predicate.hpp>
#include <boost/json.hpp>

#include "remediations/knowledge/azure/arm_answer.hpp"
#include "remediations/knowledge/azure/protected_item.hpp"

namespace remediations::azure {

using machine::Machine;
using machine::Result;

namespace {

bool is_in_group(std::string_view id, const std::string& prefix, const std::string& suffix) {
    const auto group = part_of(id, "resourceGroups");
    const bool is_named = !prefix.empty() && boost::istarts_with(group, prefix) && boost::iends_with(group, suffix);
    return is_named || boost::istarts_with(group, "AzureBackupRG_");
}

Result<std::vector<RestorePoint>> points_of(const Machine& machine, const std::string& collection) {
    // Azure sends the whole model of the VM with each point; a few members of it are kept.
    const std::string disks = "properties.restorePoints.properties.sourceMetadata.storageProfile.";
    const auto answer =
        ask(machine, {.path = collection,
                      .members = {"properties.restorePoints.name", "properties.restorePoints.properties.timeCreated",
                                  "properties.restorePoints.properties.provisioningState",
                                  "properties.restorePoints.properties.sourceMetadata.vmId",
                                  disks + "osDisk.diskRestorePoint.id", disks + "dataDisks.diskRestorePoint.id"},
                      .query = {{"$expand", "restorePoints"}}});
    if (!answer) return answer.error();
    std::vector<RestorePoint> points;
    for (const auto& each : list_of(*answer, "properties.restorePoints")) {
        RestorePoint point{text_of(each, "name"), text_of(each, "properties.provisioningState"),
                           text_of(each, "properties.sourceMetadata.vmId"), time_of(each, "properties.timeCreated")};
        const auto add = [&](std::string id) {
            if (!id.empty()) point.disk_points.push_back(std::move(id));
        };
        add(text_of(each, "properties.sourceMetadata.storageProfile.osDisk.diskRestorePoint.id"));
        for (const auto& disk : list_of(each, "properties.sourceMetadata.storageProfile.dataDisks")) {
            add(text_of(disk, "diskRestorePoint.id"));
        }
        points.push_back(std::move(point));
    }
    return points;
}

Result<std::vector<RestorePointCollection>> read_collections(const Machine& machine) {
    const auto access = machine.azure().access();
    if (!access) return access.error();
    const auto list =
        ask(machine, {.path = subscription_of(access->vm_id) + "/providers/Microsoft.Compute/restorePointCollections",
                      .members = {"id", "properties.source.id", "properties.provisioningState"},
                      .is_list = true});
    if (!list) return list.error();
    std::vector<RestorePointCollection> found;
    for (const auto& each : list_of(*list, "")) {
        if (!is_same_id(text_of(each, "properties.source.id"), access->vm_id)) continue;
        RestorePointCollection collection{text_of(each, "id"), text_of(each, "properties.provisioningState"), {}};
        auto points = points_of(machine, collection.id);
        if (!points) return points.error();
        collection.points = std::move(*points);
        found.push_back(std::move(collection));
    }
    return found;
}

}  // namespace

bool RestorePointCollection::is_of_backup(const std::string& group_prefix, const std::string& group_suffix) const {
    return is_in_group(id, group_prefix, group_suffix) && boost::istarts_with(name_of(id), "AzureBackup_");
}

bool is_in_group_of_backup(const Machine& machine, std::string_view id) {
    const auto& policy = machine.derived<BackupPolicy>().policy();
    return is_in_group(id, policy ? policy->group_prefix : "", policy ? policy->group_suffix : "");
}

RestorePoints::RestorePoints(const Machine& machine) : collections_(read_collections(machine)) {}

Result<std::vector<RestorePointCollection>> collections_of_backup(const Machine& machine) {
    const auto& all = machine.derived<RestorePoints>().collections();
    if (!all) return all.error();
    const auto& policy = machine.derived<BackupPolicy>().policy();
    std::vector<RestorePointCollection> found;
    for (const auto& each : *all) {
        if (each.is_of_backup(policy ? policy->group_prefix : "", policy ? policy->group_suffix : "")) {
            found.push_back(each);
        }
    }
    return found;
}

std::chrono::days days_kept(const Machine& machine) {
    constexpr std::int64_t usual_days = 2;
    const auto& policy = machine.derived<BackupPolicy>().policy();
    return std::chrono::days(policy ? policy->instant_days.value_or(usual_days) : usual_days);
}

bool is_overdue(const Machine& machine, const RestorePoint& point) {
    // The cleanup runs with the next backup, and may miss some points.
    constexpr std::chrono::days grace{3};
    return point.made && machine.facts().now - *point.made > days_kept(machine) + grace;
}

Result<std::size_t> count_overdue(const Machine& machine) {
    const auto collections = collections_of_backup(machine);
    if (!collections) return collections.error();
    std::size_t count = 0;
    for (const auto& collection : *collections) {
        count += static_cast<std::size_t>(std::ranges::count_if(
            collection.points, [&](const RestorePoint& point) { return is_overdue(machine, point); }));
    }
    return count;
}

}  // namespace remediations::azure
