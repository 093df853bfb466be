#include "remediations/machine/arm/arm_change.hpp"

#include <algorithm>
#include <boost/algorithm/string/classification.hpp>
#include <boost/algorithm/string/predicate.hpp>
#include <boost/algorithm/string/split.hpp>
#include <string>
#include <vector>

namespace machine::arm {

namespace {

constexpr std::string_view needed_providers[] = {"Microsoft.Compute", "Microsoft.RecoveryServices",
                                                 "Microsoft.Storage"};

/// What a key vault does with the access policies of a request: https://learn.microsoft.com/rest/api/keyvault
constexpr std::string_view access_operations[] = {"add", "replace", "remove"};

/// The segments of a path, the empty one before its first slash left out.
std::vector<std::string> segments_of(std::string_view path) {
    std::vector<std::string> segments;
    if (path.starts_with('/')) boost::split(segments, path.substr(1), boost::is_any_of("/"));
    return segments;
}

/// "*" stands for any one segment; all else compares without case.
bool fits(const std::vector<std::string>& segments, const std::vector<std::string>& pattern) {
    return std::ranges::equal(segments, pattern, [](const std::string& segment, const std::string& wanted) {
        return wanted == "*" ? !segment.empty() : boost::iequals(segment, wanted);
    });
}

/// "VM;iaasvmcontainerv2;<resource group>;<name>" is the item of that VM.
bool is_item_of(std::string_view item, const std::vector<std::string>& vm) {
    return vm.size() == 8 && boost::iends_with(item, ";" + vm[3] + ";" + vm[7]);
}

std::vector<std::string> with(std::vector<std::string> begin, const std::vector<std::string>& rest) {
    begin.insert(begin.end(), rest.begin(), rest.end());
    return begin;
}

}  // namespace

std::optional<ArmChange> change_in(const ArmQuestion& request, std::string_view vm_id) {
    const auto path = segments_of(request.path);
    const auto vm = segments_of(vm_id);
    const std::vector<std::string> vault = {
        "subscriptions", "*", "resourceGroups", "*", "providers", "Microsoft.RecoveryServices", "vaults", "*"};
    const auto item = with(vault, {"backupFabrics", "Azure", "protectionContainers", "*", "protectedItems", "*"});
    const bool is_post = request.method == "POST";
    if (is_post && fits(path, with(item, {"backup"}))) return ArmChange::start_backup;
    if (is_post && fits(path, with(vault, {"backupJobs", "*", "cancel"}))) return ArmChange::cancel_job;
    if (vm.size() < 2) return std::nullopt;
    if (is_post && fits(path, with(vm, {"reapply"}))) return ArmChange::reapply;
    if (request.method == "PUT" && fits(path, item) && is_item_of(path.back(), vm)) return ArmChange::set_protection;
    if (request.method == "DELETE" && fits(path, with(vm, {"extensions", "*"}))) return ArmChange::delete_extension;
    const bool is_needed = is_post && std::ranges::any_of(needed_providers, [&](auto provider) {
                               return fits(path, {vm[0], vm[1], "providers", std::string(provider), "register"});
                           });
    if (is_needed) return ArmChange::register_provider;
    const bool is_of_subscription = path.size() > 2 && boost::iequals(path[0], vm[0]) && boost::iequals(path[1], vm[1]);
    if (!is_of_subscription) return std::nullopt;
    const std::vector<std::string> lock = {"providers", "Microsoft.Authorization", "locks", "*"};
    if (path.size() > lock.size() && fits({path.end() - std::ssize(lock), path.end()}, lock)) {
        if (request.method == "DELETE") return ArmChange::remove_lock;
        if (request.method == "PUT") return ArmChange::put_lock;
    }
    const std::vector<std::string> group = {"subscriptions", "*", "resourceGroups", "*", "providers"};
    const auto collection = with(group, {"Microsoft.Compute", "restorePointCollections", "*"});
    const bool is_of_backup =
        path.size() >= collection.size() && boost::istarts_with(path[collection.size() - 1], "AzureBackup_");
    if (request.method == "DELETE" && is_of_backup && fits(path, collection)) return ArmChange::delete_restore_points;
    const auto export_end = with(collection, {"restorePoints", "*", "diskRestorePoints", "*", "endGetAccess"});
    if (is_post && is_of_backup && fits(path, export_end)) return ArmChange::end_export;
    const auto key_access = with(group, {"Microsoft.KeyVault", "vaults", "*", "accessPolicies", "*"});
    const bool is_known = std::ranges::any_of(access_operations, [&](auto word) { return path.back() == word; });
    if (request.method == "PUT" && is_known && fits(path, key_access)) return ArmChange::set_key_access;
    return std::nullopt;
}

bool needs_person(ArmChange change) {
    switch (change) {
        case ArmChange::remove_lock:
        case ArmChange::put_lock:
        case ArmChange::delete_restore_points:
        case ArmChange::end_export:
        case ArmChange::set_protection:
        case ArmChange::set_key_access:
            return true;
        case ArmChange::start_backup:
        case ArmChange::cancel_job:
        case ArmChange::reapply:
        case ArmChange::delete_extension:
        case ArmChange::register_provider:
            return false;
    }
    return true;
}

std::chrono::minutes longest(ArmChange change) {
    using std::chrono::minutes;
    switch (change) {
        case ArmChange::start_backup:
        case ArmChange::cancel_job:
        case ArmChange::register_provider:
        case ArmChange::remove_lock:
        case ArmChange::put_lock:
        case ArmChange::end_export:
        case ArmChange::set_protection:
        case ArmChange::set_key_access:
            return minutes(5);
        case ArmChange::reapply:
        case ArmChange::delete_extension:
        case ArmChange::delete_restore_points:
            return minutes(8);
    }
    return minutes(5);
}

}  // namespace machine::arm
