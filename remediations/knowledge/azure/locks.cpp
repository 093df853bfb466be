#include "remediations/knowledge/azure/locks.hpp"

#include <algorithm>
#include <boost/algorithm/string/predicate.hpp>
#include <boost/json.hpp>

#include "remediations/knowledge/azure/arm_answer.hpp"

namespace remediations::azure {

using machine::Machine;
using machine::Result;

namespace {

constexpr std::string_view lock_collection = "/providers/Microsoft.Authorization/locks";

Result<std::vector<ManagementLock>> locks_at(const Machine& machine, const std::string& scope) {
    const auto list = ask(machine, {.path = scope + std::string(lock_collection),
                                    .members = {"id", "properties.level", "properties.notes"},
                                    .is_list = true});
    if (!list) return list.error();
    std::vector<ManagementLock> locks;
    for (const auto& each : list_of(*list, "")) {
        auto lock = lock_named(text_of(each, "id"));
        lock.level = text_of(each, "properties.level");
        lock.notes = text_of(each, "properties.notes");
        if (!lock.scope.empty()) locks.push_back(std::move(lock));
    }
    return locks;
}

}  // namespace

ManagementLock lock_named(const std::string& id) {
    const auto collection = boost::ifind_last(id, lock_collection);
    if (collection.empty()) return {};
    return {id, std::string(id.begin(), collection.begin()), {}, {}};
}

bool ManagementLock::is_read_only() const {
    return boost::iequals(level, "ReadOnly");
}

bool ManagementLock::holds_for(std::string_view resource_id) const {
    return is_same_id(scope, resource_id) || boost::istarts_with(resource_id, scope + "/");
}

Locks::Locks(const Machine& machine) : all_(std::vector<ManagementLock>{}) {
    const auto access = machine.azure().access();
    if (!access) {
        all_ = access.error();
        return;
    }
    all_ = locks_at(machine, subscription_of(access->vm_id));
    if (all_ || all_.error().kind != machine::ErrorKind::access_denied) return;
    sees_all_ = false;
    if (auto of_group = locks_at(machine, group_of(access->vm_id))) all_ = std::move(of_group);
}

Result<void> no_lock_on(const Machine& machine, const std::string& resource_id, LockedAct act) {
    const auto& locks = machine.derived<Locks>().all();
    if (!locks) return {};
    const auto forbids = [&](const ManagementLock& lock) {
        return (act == LockedAct::deletion || lock.is_read_only()) && lock.holds_for(resource_id);
    };
    const auto found = std::ranges::find_if(*locks, forbids);
    if (found == locks->end()) return {};
    return machine::Error::refused("the lock " + found->id + " forbids it");
}

}  // namespace remediations::azure
