#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "remediations/knowledge/azure/vault_items.hpp"
#include "remediations/machine/azure.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations {

struct VaultLookOptions {
    std::vector<std::string> only;     ///< remediation ids; empty means all
    std::vector<std::string> exclude;  ///< remediation ids
    std::size_t at_once = 4;           ///< VMs
    std::chrono::system_clock::time_point now = std::chrono::system_clock::now();
    /// From then on no further VM is looked at; those that are left say so.
    std::chrono::steady_clock::time_point deadline = std::chrono::steady_clock::now() + std::chrono::hours(1);
    /// "looking at 12 of 40"; called from any thread, one at a time.
    std::function<void(const std::string&)> progress = [](const std::string&) {};
    /// How time passes where Azure wants silence; tests put their own in.
    std::function<void(std::chrono::milliseconds)> sleep = {};  ///< empty: this thread sleeps
};

/// What became of one VM of the vault.
struct VmInVault {
    std::string vm;  ///< resource id
    azure::Standing standing = azure::Standing::unknown;
    std::string protection_state;  ///< "Protected", as the vault says it
    std::string last_status;       ///< of the newest backup that has ended, "Completed"
    std::optional<std::chrono::system_clock::time_point> last_backup;
    std::optional<std::chrono::system_clock::time_point> last_good;      ///< of which a recovery point is left
    std::optional<std::chrono::system_clock::time_point> failing_since;  ///< the first failure that is known
    bool may_fail_for_longer = false;  ///< no good backup is among the jobs, which reach back seven days
    bool is_running = false;           ///< a backup runs now
    std::string job;                   ///< resource id of the newest that has ended
    std::string error_code;            ///< of that job: a name, or a number
    std::string error_text;            ///< what Azure says about it

    const Remediation* cause = nullptr;  ///< nullptr where none was found
    std::string summary;                 ///< one sentence: what is so, or why nothing was found
    std::string repair;             ///< what a person should do; empty where nobody knows, and of a VM that is well
    std::vector<std::string> also;  ///< ids of what else was found
    std::set<std::string> missing_actions;  ///< what this identity may not see
    std::set<std::string> problems;         ///< why else something is not known, a message each
};

struct VaultReport {
    std::string vault;  ///< resource id
    std::chrono::system_clock::time_point time;
    std::vector<VmInVault> vms;         ///< in the order of their groups and names
    std::optional<std::string> notice;  ///< of the vault as a whole: what could not be read

    std::size_t count(azure::Standing standing) const;
    /// Of VMs that are not well: whether something could not be looked at.
    bool is_incomplete() const;
};

/// Looks at all VMs of a vault through `azure`: out of two lists how their backups stand, and for each that is not well
/// what its cause is, as a run does that sees the VM through Azure alone. VMs that are well cost no question of their
/// own. Error where the vault's items cannot be read.
machine::Result<VaultReport> look_at_vault(const std::shared_ptr<const machine::Azure>& azure, const std::string& vault,
                                           const VaultLookOptions& options);

}  // namespace remediations
