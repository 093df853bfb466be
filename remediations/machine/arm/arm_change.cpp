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
    const bool is_collection = fits(path, {"subscriptions", "*", "resourceGroups", "*", "providers",
                                           "Microsoft.Compute", "restorePointCollections", "*"}) &&
                               boost::istarts_with(path.back(), "AzureBackup_");
    return request.method == "DELETE" && is_collection ? std::optional(ArmChange::delete_restore_points) : std::nullopt;
}

bool needs_person(ArmChange change) {
    return change == ArmChange::remove_lock || change == ArmChange::put_lock ||
           change == ArmChange::delete_restore_points;
}

std::chrono::minutes longest(ArmChange change) {
    using std::chrono::minutes;
    switch (change) {
        case ArmChange::start_backup:
        case ArmChange::cancel_job:
        case ArmChange::register_provider:
        case ArmChange::remove_lock:
        case ArmChange::put_lock:
            return minutes(5);
        case ArmChange::reapply:
        case ArmChange::delete_extension:
        case ArmChange::delete_restore_points:
            return minutes(8);
    }
    return minutes(5);
}

}  // namespace machine::arm
