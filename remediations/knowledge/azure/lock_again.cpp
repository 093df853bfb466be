#include "remediations/knowledge/azure/lock_again.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

#include "remediations/knowledge/azure/arm_answer.hpp"
#include "remediations/knowledge/azure/locks.hpp"
#include "remediations/knowledge/azure/restore_points.hpp"

namespace remediations::azure {

using machine::Machine;

namespace {

/// Between two looks at the restore points: a cleanup takes some hours.
constexpr std::chrono::minutes pause{1};

std::string lock_in(const JournalStep& step) {
    const auto* kind = step.slot.if_contains("kind");
    const auto* id = step.slot.if_contains("id");
    const bool is_removed_lock = kind && *kind == "azure-lock" && id && id->is_string() && step.after.is_null() &&
                                 step.outcome == StepOutcome::done;
    return is_removed_lock ? std::string(id->get_string()) : std::string();
}

bool was_for(const Journal& journal, const std::string& vm_id) {
    const auto* vm = journal.summary().if_contains("vm");
    return vm && vm->is_string() && is_same_id(std::string_view(vm->get_string()), vm_id);
}

/// Returns why the lock stays away; empty where it may be put back.
std::string why_not_yet(const ManagementLock& lock, Machine& machine, const LockAgainOptions& options,
                        std::chrono::steady_clock::time_point deadline) {
    if (!options.hold_back.empty()) return options.hold_back;
    if (is_in_group_of_backup(machine, lock.scope)) {
        return "it is on what Azure Backup owns, and would stop the next cleanup";
    }
    const auto collections = collections_of_backup(machine);
    if (!collections) return collections.error().message;
    const bool stops_cleanup =
        std::ranges::any_of(*collections, [&](const auto& each) { return lock.holds_for(each.id); });
    if (!stops_cleanup) return {};
    for (;;) {
        const auto overdue = count_overdue(machine);
        if (!overdue) return overdue.error().message;
        if (*overdue == 0) return {};
        if (std::chrono::steady_clock::now() + pause > deadline) {
            return fmt::format("{} restore point{} not deleted yet, and the lock would stop that", *overdue,
                               *overdue == 1 ? " is" : "s are");
        }
        options.progress(fmt::format("waiting for the deletion of {} restore points", *overdue));
        if (!machine.wait(pause)) return "the waiting was ended";
        machine.azure().look_anew();
        machine.forget_derived();
    }
}

}  // namespace

std::vector<UndoneStep> lock_again(const std::filesystem::path& state_folder, Machine& machine,
                                   const LockAgainOptions& options) {
    std::vector<UndoneStep> steps;
    const auto access = machine.azure().access();
    if (!access) return steps;
    const auto deadline = std::chrono::steady_clock::now() + options.within;
    machine.azure().look_anew();
    machine.forget_derived();
    for (const auto& run : Journal::runs(state_folder)) {
        auto journal = Journal::open(state_folder, run);
        if (!journal) {
            steps.push_back({fmt::format("put back what run {} may have removed", run), UndoneStep::Result::failed,
                             journal.error().message});
        }
        if (!journal || !was_for(*journal, access->vm_id)) continue;
        const auto all = journal->steps();  // a copy: ending a step changes the journal's own
        for (const auto& step : all) {
            const auto lock = lock_named(lock_in(step));
            if (lock.id.empty()) continue;
            if (const auto reason = why_not_yet(lock, machine, options, deadline); !reason.empty()) {
                steps.push_back({step.description, UndoneStep::Result::left_alone,
                                 fmt::format("{}; to put it back all the same, undo run {}", reason, run)});
                continue;
            }
            for (auto& undone : undo_step(*journal, machine, step.number)) steps.push_back(std::move(undone));
        }
    }
    return steps;
}

}  // namespace remediations::azure
