#pragma once

#include <boost/json/value.hpp>
#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "remediations/machine/machine.hpp"

namespace remediations::azure {

/// A problem of an item as its vault reports it. Its texts are localized; its code is a number.
struct HealthDetail {
    std::string code;
    std::string title;
    std::string message;
};

/// The VM as a protected item of a Recovery Services vault. Get it through machine.derived<ProtectedItem>().
class ProtectedItem {
public:
    explicit ProtectedItem(const machine::Machine& machine);

    struct Item {
        std::string id;         ///< ".../protectedItems/VM;iaasvmcontainerv2;rg;vm"
        std::string vault;      ///< resource id
        std::string container;  ///< "iaasvmcontainerv2;rg;vm" in lower case, as jobs name it
        std::string protection_state;
        std::string source_id;  ///< resource id of the protected VM
        std::string policy;     ///< resource id; empty where protection was stopped
        std::string last_status;
        std::optional<std::chrono::system_clock::time_point> last_backup;
        std::optional<std::chrono::system_clock::time_point> last_recovery_point;
        std::string health_status;  ///< "Passed", "ActionRequired", "ActionSuggested"; may be empty
        bool is_soft_deleted = false;
        std::optional<std::chrono::system_clock::time_point> deleted_for_good;
        std::vector<HealthDetail> health;
    };
    /// Returns nullopt inside the result where no vault that this identity may see protects the VM.
    const machine::Result<std::optional<Item>>& item() const { return item_; }

private:
    machine::Result<std::optional<Item>> item_;
};

/// The items of a vault that are VMs, each with what `item_in` reads.
machine::ArmQuestion question_for_items(const std::string& vault);
ProtectedItem::Item item_in(const boost::json::value& answer);

/// The backup policy of that item. Get it through machine.derived<BackupPolicy>().
class BackupPolicy {
public:
    explicit BackupPolicy(const machine::Machine& machine);

    struct Policy {
        std::string name;
        bool is_enhanced = false;                  ///< policyType V2
        std::optional<std::int64_t> instant_days;  ///< days for which instant restore points are kept
        std::string group_prefix;  ///< of the resource group of restore points; empty where the policy names none
        std::string group_suffix;
    };
    /// ErrorKind::not_found where the item has no policy.
    const machine::Result<Policy>& policy() const { return policy_; }

private:
    machine::Result<Policy> policy_;
};

}  // namespace remediations::azure
