#include "remediations/engine/azure_view.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "remediations/engine/engine.hpp"
#include "remediations/engine/root_cause.hpp"
#include "remediations/knowledge/azure/arm_answer.hpp"
#include "remediations/knowledge/azure/backup_jobs.hpp"
#include "remediations/knowledge/azure/locks.hpp"
#include "remediations/knowledge/azure/protected_item.hpp"
#include "remediations/knowledge/azure/restore_points.hpp"
#include "remediations/knowledge/azure/vm_in_azure.hpp"

namespace remediations {

using azure::shown;

namespace {

std::string not_told(const machine::Error& error) {
    return fmt::format("not told: {}", error.message);
}

/// The layer's state, and what was found first in it. Of the vault's layer nothing shows inside.
std::string inside(const Report& report, Layer layer) {
    const auto state = report.layer_state(layer);
    if (state == State::not_applicable) return {};
    const auto found = std::ranges::find_if(report.outcomes, [&](const Outcome& outcome) {
        return outcome.remediation->layer == layer && outcome.finding.state == state && is_left(state) &&
               outcome.finding.weight == Weight::cause;
    });
    return found == report.outcomes.end() ? std::string(to_string(state))
                                          : fmt::format("{}: {}", to_string(state), found->finding.summary);
}

std::string vm_in(const azure::VmInAzure& vm) {
    if (!vm.model()) return not_told(vm.model().error());
    const auto* power = vm.view() ? vm.view()->status("PowerState") : nullptr;
    return fmt::format("{}provisioning state {}", power ? power->word_of("PowerState") + ", " : std::string(),
                       vm.model()->state);
}

std::string agent_in(const azure::VmInAzure& vm) {
    const auto& view = vm.view();
    if (!view) return not_told(view.error());
    if (view->agent_display.empty()) return "no status";
    const auto* status = view->agent_statuses.empty() ? nullptr : &view->agent_statuses.front();
    return fmt::format("{}{}{}", view->agent_display,
                       status && status->time ? ", status of " + shown(*status->time) : std::string(),
                       view->agent_version.empty() ? std::string() : ", version " + view->agent_version);
}

std::string extension_in(const azure::VmInAzure& vm) {
    if (!vm.extensions()) return not_told(vm.extensions().error());
    for (const auto& extension : *vm.extensions()) {
        if (!extension.is_of_backup()) continue;
        const auto* failure = extension.failure();
        if (failure) return fmt::format("{}: failed, {}", extension.name, failure->message);
        return fmt::format("{}: {}", extension.name, extension.has_failed() ? "failed" : "succeeded");
    }
    return "none";
}

std::string attempt_in(const Report& report) {
    if (report.attempts.empty()) return {};
    const auto& newest = report.attempts.back();
    return fmt::format("{}{}", newest.started ? shown(*newest.started) + ": " : std::string(),
                       !newest.succeeded   ? "no end logged"
                       : *newest.succeeded ? "succeeded"
                                           : "failed");
}

std::string job_in(const azure::BackupJobs& jobs) {
    if (!jobs.jobs()) return not_told(jobs.jobs().error());
    const auto* job = jobs.newest();
    if (!job) return "no job in the last seven days";
    const auto code = job->error_code();
    return fmt::format("{}{}{}", job->started ? shown(*job->started) + ": " : std::string(), job->status,
                       code.empty() ? std::string() : fmt::format(", error {}", code));
}

std::string protection_in(const machine::Machine& machine) {
    const auto& item = machine.derived<azure::ProtectedItem>().item();
    if (!item) return not_told(item.error());
    if (!*item) return "no vault protects the VM";
    const auto point = (*item)->last_recovery_point;
    return fmt::format("{} in vault {}{}", (*item)->protection_state, azure::name_of((*item)->vault),
                       point ? ", newest recovery point of " + shown(*point) : std::string(", no recovery point told"));
}

std::string points_in(const machine::Machine& machine) {
    const auto collections = azure::collections_of_backup(machine);
    if (!collections) return not_told(collections.error());
    std::size_t count = 0;
    for (const auto& collection : *collections) count += collection.points.size();
    return fmt::format("{} of Azure Backup", count);
}

std::string locks_in(const azure::Locks& locks) {
    if (!locks.all()) return not_told(locks.all().error());
    return fmt::format("{} {}", locks.all()->size(),
                       locks.sees_all() ? "in the subscription" : "at the VM's group and above; others are not seen");
}

}  // namespace

std::vector<TwoViews> azure_view(const Report& report, const machine::Machine& machine) {
    if (!machine.azure().access()) return {};
    const auto& vm = machine.derived<azure::VmInAzure>();
    return {{"VM", {}, vm_in(vm)},
            {"Guest agent", inside(report, Layer::guest_agent), agent_in(vm)},
            {"Backup extension", inside(report, Layer::backup_extension), extension_in(vm)},
            {"Newest backup", attempt_in(report), job_in(machine.derived<azure::BackupJobs>())},
            {"Protection", {}, protection_in(machine)},
            {"Restore points", {}, points_in(machine)},
            {"Locks", {}, locks_in(machine.derived<azure::Locks>())}};
}

}  // namespace remediations
