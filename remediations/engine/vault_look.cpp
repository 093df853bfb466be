#include "remediations/engine/vault_look.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <boost/json.hpp>
#include <mutex>
#include <system_error>
#include <thread>

#include "remediations/engine/catalogue.hpp"
#include "remediations/engine/engine.hpp"
#include "remediations/engine/root_cause.hpp"
#include "remediations/knowledge/azure/attach.hpp"
#include "remediations/machine/recorded/capture.hpp"
#include "remediations/machine/recorded/redact.hpp"
#include "remediations/model/error_codes.hpp"

namespace remediations {

using azure::Standing;
using azure::VaultItem;
using azure::VmOfVault;
using machine::Result;

namespace {

/// After so many looks at one VM Azure has wanted silence each time.
constexpr int most_looks = 3;
constexpr auto of_stopped_protection = "protection-stopped";
constexpr auto of_failed_job = "backup-job-failed";
constexpr auto of_vanished_vm = "protected-vm-not-found";

/// Where nothing outside the VM explains the code, what inside it may.
std::string repair_inside(const std::string& error_code, std::optional<machine::Platform> platform) {
    const auto candidates = remediations_for(error_code);
    const bool is_inside = std::ranges::any_of(candidates, [&](const Remediation* each) {
        return (!platform || applies_to(each->scope, *platform)) && (each->diagnose || each->diagnose_for);
    });
    if (!is_inside) return {};
    return fmt::format("The cause is inside the VM: run \"backup-remediation fix --error-code {}\" there.", error_code);
}

class Looker {
public:
    Looker(std::shared_ptr<const machine::Azure> azure, const VaultLookOptions& options,
           std::vector<const VaultItem*> items, std::vector<VmInVault*> vms)
        : azure_(std::move(azure)), options_(options), items_(std::move(items)), vms_(std::move(vms)) {}

    void look_at_all() {
        std::vector<std::thread> threads;
        for (std::size_t index = 1; index < std::min(options_.at_once, items_.size()); ++index) {
            try {
                threads.emplace_back([this] { work(); });
            } catch (const std::system_error&) {
                break;  // fewer do as well
            }
        }
        work();
        for (auto& thread : threads) thread.join();
    }

private:
    void work() {
        for (auto index = next_++; index < items_.size(); index = next_++) {
            {
                const std::scoped_lock lock(progress_mutex_);
                options_.progress(fmt::format("looking at {} of {}", index + 1, items_.size()));
            }
            auto& vm = *vms_[index];
            try {
                look(*items_[index], vm);
            } catch (const std::exception& error) {
                vm.problems.insert(error.what());
            }
        }
    }

    /// Waits while Azure wants silence. False where that takes too long.
    bool wait_for_silence() const {
        const auto silence = azure_->silence_wanted();
        if (std::chrono::steady_clock::now() + silence >= options_.deadline) return false;
        if (silence.count() == 0) return true;
        options_.sleep ? options_.sleep(silence) : std::this_thread::sleep_for(silence);
        return true;
    }

    void look(const VaultItem& item, VmInVault& vm) const {
        const auto before = vm;
        for (int looks = 1;; ++looks) {
            if (!wait_for_silence()) {
                vm.problems.insert("It was not looked at: the time of this look is over, or Azure wants silence.");
                return;
            }
            look_once(item, vm);
            const bool was_throttled = !vm.problems.empty() && azure_->silence_wanted().count() > 0;
            if (!was_throttled || looks == most_looks) return;
            vm = before;
        }
    }

    void look_once(const VaultItem& item, VmInVault& vm) const {
        auto seen = std::make_unique<VmOfVault>(azure_, item);
        const auto& view = *seen;
        machine::SystemFacts facts;
        facts.now = options_.now;
        RunOptions run_options;
        run_options.from_outside = true;
        run_options.compare_with_azure = false;
        run_options.only = options_.only;
        run_options.exclude = options_.exclude;
        if (vm.is_running && item.newest) {  // the job that runs tells no error yet
            run_options.error_code = vm.error_code;
            run_options.error_code_place = item.newest->where();
        }
        bool is_vanished = false;
        std::optional<machine::Platform> platform;
        if (vm.standing == Standing::not_protected) {
            if (run_options.only.empty()) run_options.only = {of_stopped_protection};
        } else if (auto known = azure::facts_from_outside(view)) {
            facts = *known;
            facts.now = options_.now;
            platform = facts.platform;
        } else {
            is_vanished = known.error().kind == machine::ErrorKind::not_found;
            if (!is_vanished && known.error().kind != machine::ErrorKind::access_denied) {
                vm.problems.insert(known.error().message);
            }
        }
        auto machine = machine::recorded::unrecorded(facts);
        machine.use_azure(std::move(seen));
        if (const auto report = run(run_options, machine, {})) take(*report, vm);
        vm.missing_actions = view.missing_actions();
        const auto problems = view.problems();
        vm.problems.insert(problems.begin(), problems.end());
        if (is_vanished) take_vanished(vm);
        if (vm.cause) return;
        if (!item.item.health.empty()) {
            vm.summary = machine::recorded::redact(
                fmt::format("{}: {}", item.item.health.front().title, item.item.health.front().message));
        }
        if (vm.error_code.empty()) return;
        if (const auto* code = find_error_code(vm.error_code)) vm.summary = code->meaning;
        if (auto inside = repair_inside(vm.error_code, platform); !inside.empty()) vm.repair = std::move(inside);
    }

    static void take(const Report& report, VmInVault& vm) {
        if (!report.error_code.empty()) vm.error_code = report.error_code;
        vm.summary = report.root_cause_reason;
        for (const auto& outcome : report.outcomes) {
            if (outcome.remediation == report.root_cause) {
                vm.cause = report.root_cause;
                vm.summary = outcome.finding.summary;
                vm.repair = outcome.finding.action;
            } else if (is_left(outcome.finding.state) && outcome.finding.weight == Weight::cause &&
                       !outcome.finding.is_envelope) {
                vm.also.push_back(outcome.remediation->id);
            }
        }
        // The news that the backup failed is no cause of it; Azure's advice stays the repair.
        if (vm.cause && vm.cause->id == of_failed_job) {
            if (!vm.error_text.empty()) vm.summary = vm.error_text;
            vm.cause = nullptr;
        }
    }

    static void take_vanished(VmInVault& vm) {
        vm.cause = find_remediation(of_vanished_vm);
        vm.summary = "Azure has no VM of this id any more.";
        vm.repair = vm.cause ? vm.cause->instructions : std::string();
        vm.also.clear();
    }

    const std::shared_ptr<const machine::Azure> azure_;
    const VaultLookOptions& options_;
    const std::vector<const VaultItem*> items_;
    const std::vector<VmInVault*> vms_;
    std::atomic<std::size_t> next_ = 0;
    std::mutex progress_mutex_;
};

VmInVault row_of(const VaultItem& item) {
    VmInVault vm;
    vm.vm = item.item.source_id;
    vm.standing = item.standing();
    vm.protection_state = item.item.protection_state;
    vm.last_status = item.newest ? item.newest->status : item.item.last_status;
    vm.last_backup = item.newest ? item.newest->started : item.item.last_backup;
    vm.last_good = item.last_good();
    vm.is_running = !item.running_answer.is_null();
    if (vm.standing == Standing::failing) {
        vm.failing_since = item.failing_since();
        vm.may_fail_for_longer = item.may_fail_for_longer();
    }
    if (!item.newest) return vm;
    vm.job = item.newest->id;
    vm.error_code = item.newest->error_code();
    for (const auto& error : item.newest->errors) {
        if (vm.error_text.empty()) vm.error_text = machine::recorded::redact(error.text);
    }
    return vm;
}

bool is_to_be_looked_at(Standing standing) {
    return standing == Standing::failing || standing == Standing::warned || standing == Standing::not_protected ||
           standing == Standing::unknown;
}

}  // namespace

std::size_t VaultReport::count(Standing standing) const {
    return static_cast<std::size_t>(std::ranges::count(vms, standing, &VmInVault::standing));
}

bool VaultReport::is_incomplete() const {
    return notice || std::ranges::any_of(vms, [](const VmInVault& vm) {
               return vm.standing == Standing::unknown || !vm.missing_actions.empty() || !vm.problems.empty();
           });
}

Result<VaultReport> look_at_vault(const std::shared_ptr<const machine::Azure>& azure, const std::string& vault,
                                  const VaultLookOptions& options) {
    options.progress("reading the vault's items and jobs");
    const auto items = azure::items_of_vault(*azure, vault, options.now);
    if (!items) return items.error();
    VaultReport report{vault, options.now, {}, {}};
    if (items->no_jobs) {
        report.notice = fmt::format(
            "The vault's jobs are not known: {}. So it is not known since when backups fail, and with what.",
            items->no_jobs->message);
    }
    for (const auto& item : items->items) report.vms.push_back(row_of(item));
    std::vector<const VaultItem*> not_well;
    std::vector<VmInVault*> rows;
    for (std::size_t index = 0; index < report.vms.size(); ++index) {
        if (!is_to_be_looked_at(report.vms[index].standing)) continue;
        not_well.push_back(&items->items[index]);
        rows.push_back(&report.vms[index]);
    }
    Looker(azure, options, std::move(not_well), std::move(rows)).look_at_all();
    return report;
}

}  // namespace remediations
