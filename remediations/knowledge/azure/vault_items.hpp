#pragma once

#include <boost/json/value.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "remediations/knowledge/azure/backup_jobs.hpp"
#include "remediations/knowledge/azure/protected_item.hpp"
#include "remediations/machine/azure.hpp"

namespace remediations::azure {

/// How the backups of one VM stand, by what its vault tells.
enum class Standing {
    failing,        ///< the newest backup that has ended failed
    warned,         ///< it ended with warnings, or the vault wants something to be done
    not_protected,  ///< stopped, paused, suspended or deleted: no backup is due
    no_backup_yet,  ///< none has ended, none has failed
    well,
    unknown,  ///< the vault tells nothing that could be understood
};
std::string_view to_string(Standing standing);  ///< "failing", "not-protected"

/// A VM of a vault, with what its backup jobs of the last seven days come to.
struct VaultItem {
    ProtectedItem::Item item;
    boost::json::value answer;  ///< what `item` was read from

    std::optional<BackupJob> newest;    ///< that has ended as Completed, CompletedWithWarnings or Failed
    boost::json::value newest_answer;   ///< null without one
    boost::json::value running_answer;  ///< of a job that runs; null without one
    std::optional<std::chrono::system_clock::time_point> last_good_job;
    std::vector<std::chrono::system_clock::time_point> failures;  ///< of jobs, in no order

    Standing standing() const;
    /// The first failure after the last good backup; empty where no failed job is known.
    std::optional<std::chrono::system_clock::time_point> failing_since() const;
    /// The start of the last backup of which a recovery point is left.
    std::optional<std::chrono::system_clock::time_point> last_good() const;
    /// True where failures may reach back further than jobs were asked for.
    bool may_fail_for_longer() const;
};

struct VaultItems {
    std::vector<VaultItem> items;           ///< in the order of their names
    std::optional<machine::Error> no_jobs;  ///< why the jobs are not known; then the items tell alone
};

/// All VMs of the vault, out of two lists whose pages are not kept. Error where its items cannot be read.
machine::Result<VaultItems> items_of_vault(const machine::Azure& azure, const std::string& vault,
                                           std::chrono::system_clock::time_point now);

/// Whether the answer is the same for many VMs of a vault, and worth to be kept while they are looked at.
bool concerns_many_vms(const machine::ArmQuestion& question);

/// One VM of a vault, asked about through a client that all its VMs share. What the vault's lists have told of it is
/// not asked again.
class VmOfVault final : public machine::Azure {
public:
    VmOfVault(std::shared_ptr<const machine::Azure> client, const VaultItem& item);
    ~VmOfVault() override;

    machine::Result<machine::AzureAccess> access() const override;
    machine::Result<machine::ArmAnswer> ask(const machine::ArmQuestion& question) const override;

    /// What this identity may not see of it: actions, "Microsoft.Compute/virtualMachines/read".
    std::set<std::string> missing_actions() const;
    /// What else kept Azure from telling, a message each.
    std::set<std::string> problems() const;

private:
    struct Seen;

    std::shared_ptr<const machine::Azure> client_;
    machine::Result<machine::AzureAccess> access_;
    std::string vault_;
    boost::json::value item_;
    boost::json::value jobs_;
    std::unique_ptr<Seen> seen_;
};

}  // namespace remediations::azure
