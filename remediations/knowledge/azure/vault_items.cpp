#include "remediations/knowledge/azure/vault_items.hpp"

#include <algorithm>
#include <boost/algorithm/string/case_conv.hpp>
#include <boost/algorithm/string/predicate.hpp>
#include <boost/json.hpp>
#include <map>
#include <mutex>
#include <unordered_map>

#include "remediations/knowledge/azure/arm_answer.hpp"
#include "remediations/machine/arm/versions.hpp"

namespace remediations::azure {

namespace json = boost::json;
using machine::ArmAnswer;
using machine::ArmQuestion;
using machine::Result;
using Time = std::chrono::system_clock::time_point;

namespace {

/// More VMs than a vault can protect, and more failures of one than seven days have at the shortest interval.
/// https://learn.microsoft.com/azure/backup/backup-support-matrix-iaas
constexpr std::size_t most_items = 20000;
constexpr std::size_t most_failures = 200;

bool has_completed(const BackupJob& job) {
    return boost::iequals(job.status, "Completed") || boost::iequals(job.status, "CompletedWithWarnings");
}

/// Finds the item that a job is about.
class Places {
public:
    explicit Places(const std::vector<VaultItem>& items) {
        for (std::size_t index = 0; index < items.size(); ++index) {
            const auto& item = items[index].item;
            by_container_.emplace(item.container, index);
            const auto name = boost::to_lower_copy(name_of(item.source_id));
            if (!by_name_.emplace(name, index).second) by_name_[name] = ambiguous;
        }
    }

    std::optional<std::size_t> of_job(const json::value& job) const {
        auto container = boost::to_lower_copy(text_of(job, "properties.containerName"));
        if (container.empty()) {
            // An old form of jobs names the VM alone, and two groups may have one of the same name each.
            const auto named = by_name_.find(boost::to_lower_copy(text_of(job, "properties.entityFriendlyName")));
            return named == by_name_.end() || named->second == ambiguous ? std::nullopt : std::optional(named->second);
        }
        // "IaasVMContainer;iaasvmcontainerv2;rg;vm"
        constexpr std::string_view prefix = "iaasvmcontainer;";
        if (container.starts_with(prefix)) container.erase(0, prefix.size());
        const auto found = by_container_.find(container);
        return found == by_container_.end() ? std::nullopt : std::optional(found->second);
    }

private:
    static constexpr auto ambiguous = static_cast<std::size_t>(-1);

    std::unordered_map<std::string, std::size_t> by_container_;
    std::unordered_map<std::string, std::size_t> by_name_;
};

/// The jobs come in any order.
void add_job(VaultItem& item, const json::value& answer) {
    if (!boost::iequals(text_of(answer, "properties.operation"), "Backup")) return;
    auto job = job_in(answer);
    if (!job.started) return;
    if (job.runs()) item.running_answer = answer;
    const bool is_good = has_completed(job);
    if (!is_good && !job.has_failed()) return;
    if (is_good) item.last_good_job = std::max(item.last_good_job.value_or(Time()), *job.started);
    if (!is_good && item.failures.size() < most_failures) item.failures.push_back(*job.started);
    if (item.newest && *item.newest->started >= *job.started) return;
    item.newest = std::move(job);
    item.newest_answer = answer;
}

bool is_one_of(std::string_view word, std::initializer_list<std::string_view> words) {
    return std::ranges::any_of(words, [&](auto each) { return boost::iequals(word, each); });
}

}  // namespace

std::string_view to_string(Standing standing) {
    switch (standing) {
        case Standing::failing:
            return "failing";
        case Standing::warned:
            return "warned";
        case Standing::not_protected:
            return "not-protected";
        case Standing::no_backup_yet:
            return "no-backup-yet";
        case Standing::well:
            return "well";
        case Standing::unknown:
            return "unknown";
    }
    return "";
}

Standing VaultItem::standing() const {
    const bool is_stopped =
        is_one_of(item.protection_state, {"ProtectionStopped", "ProtectionPaused", "BackupsSuspended"});
    if (is_stopped || item.is_soft_deleted || item.policy.empty()) return Standing::not_protected;
    const auto last = newest ? newest->status : item.last_status;
    if (is_one_of(last, {"Failed"}) || is_one_of(item.protection_state, {"ProtectionError"})) return Standing::failing;
    if (is_one_of(last, {"CompletedWithWarnings"})) return Standing::warned;
    if (is_one_of(last, {"Completed"})) {
        return is_one_of(item.health_status, {"ActionRequired"}) ? Standing::warned : Standing::well;
    }
    const bool is_new =
        is_one_of(item.protection_state, {"IRPending", "Protected"}) && !item.last_recovery_point && !item.last_backup;
    return is_new && !is_one_of(item.health_status, {"ActionRequired"}) ? Standing::no_backup_yet : Standing::unknown;
}

std::optional<Time> VaultItem::failing_since() const {
    std::optional<Time> first;
    for (const auto& failure : failures) {
        if (last_good_job && failure <= *last_good_job) continue;
        if (!first || failure < *first) first = failure;
    }
    return first;
}

std::optional<Time> VaultItem::last_good() const {
    return item.last_recovery_point ? item.last_recovery_point : last_good_job;
}

bool VaultItem::may_fail_for_longer() const {
    return !last_good_job;
}

Result<VaultItems> items_of_vault(const machine::Azure& azure, const std::string& vault, Time now) {
    VaultItems found;
    bool are_too_many = false;
    const auto for_items = question_for_items(vault);
    const auto listed = azure.ask_in_pages(for_items, [&](const json::array& page) {
        for (const auto& each : page) {
            VaultItem item;
            item.item = item_in(each);
            item.answer = each;
            if (item.item.source_id.empty() || item.item.container.empty() || item.item.vault.empty()) continue;
            are_too_many = are_too_many || found.items.size() == most_items;
            if (!are_too_many) found.items.push_back(std::move(item));
        }
    });
    if (!listed) return listed.error();
    if (listed->is_refusal()) return refused(for_items, *listed);
    if (are_too_many) return machine::Error::too_large("the vault has more VMs than Azure Backup protects in one");
    std::ranges::sort(found.items, {}, [](const VaultItem& each) { return each.item.container; });

    const Places places(found.items);
    const auto for_jobs = question_for_jobs(vault, now);
    const auto jobs = azure.ask_in_pages(for_jobs, [&](const json::array& page) {
        for (const auto& each : page) {
            if (const auto index = places.of_job(each)) add_job(found.items[*index], each);
        }
    });
    if (!jobs) {
        found.no_jobs = jobs.error();
    } else if (jobs->is_refusal()) {
        found.no_jobs = refused(for_jobs, *jobs);
    }
    return found;
}

bool concerns_many_vms(const ArmQuestion& question) {
    if (part_of(question.path, "resourceGroups").empty()) return true;
    const auto type = machine::arm::type_of(question.path);
    const auto whole = type.provider + "/" + type.type;
    return is_one_of(whole, {"Microsoft.RecoveryServices/vaults", "Microsoft.RecoveryServices/vaults/backupPolicies",
                             "Microsoft.RecoveryServices/vaults/usages", "Microsoft.KeyVault/vaults",
                             "Microsoft.Compute/diskEncryptionSets"});
}

/// Several threads ask about one VM.
struct VmOfVault::Seen {
    std::mutex mutex;
    std::map<std::string, Result<ArmAnswer>> answers;
    std::set<std::string> missing_actions;
    std::set<std::string> problems;
};

VmOfVault::VmOfVault(std::shared_ptr<const machine::Azure> client, const VaultItem& item)
    : client_(std::move(client)),
      access_(client_->access()),
      vault_(item.item.vault),
      item_(json::array{item.answer}),
      jobs_(json::array{}),
      seen_(std::make_unique<Seen>()) {
    if (access_) {
        access_->vm_id = item.item.source_id;
        access_->vault_id = vault_;
    }
    for (const auto* job : {&item.running_answer, &item.newest_answer}) {
        if (!job->is_null()) jobs_.get_array().push_back(*job);
    }
}

VmOfVault::~VmOfVault() = default;

Result<machine::AzureAccess> VmOfVault::access() const {
    return access_;
}

Result<ArmAnswer> VmOfVault::ask(const ArmQuestion& question) const {
    if (boost::iequals(question.path, vault_ + "/backupProtectedItems")) return ArmAnswer{.status = 200, .body = item_};
    if (boost::iequals(question.path, vault_ + "/backupJobs")) return ArmAnswer{.status = 200, .body = jobs_};
    const auto key = machine::key_of(question);
    {
        const std::scoped_lock lock(seen_->mutex);
        if (const auto known = seen_->answers.find(key); known != seen_->answers.end()) return known->second;
    }
    auto answer = client_->ask(question);
    const std::scoped_lock lock(seen_->mutex);
    if (!answer) {
        seen_->problems.insert(answer.error().message);
    } else if (answer->status == 403) {
        seen_->missing_actions.insert(machine::arm::action_for(question));
    } else if (answer->is_refusal() && answer->status != 404) {  // 404 is an answer: there is none
        seen_->problems.insert(refused(question, *answer).message);
    }
    if (!concerns_many_vms(question)) seen_->answers.insert_or_assign(key, answer);
    return answer;
}

std::set<std::string> VmOfVault::missing_actions() const {
    const std::scoped_lock lock(seen_->mutex);
    return seen_->missing_actions;
}

std::set<std::string> VmOfVault::problems() const {
    const std::scoped_lock lock(seen_->mutex);
    return seen_->problems;
}

}  // namespace remediations::azure
