#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "remediations/engine/azure_view.hpp"
#include "remediations/engine/outcome.hpp"
#include "remediations/knowledge/azure/attach.hpp"
#include "remediations/knowledge/logs/backup_attempt.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations {

enum class RunMode { diagnose, dry_run, fix };

/// What a run repairs. The VM must not be written to through Azure while one of its extensions is at work, this program
/// as an extension included: then Azure's part is another run, after that.
enum class Part { all, inside, azure };

/// A backup that somebody waited for, as Azure tells of it.
struct WatchedBackup {
    std::chrono::system_clock::time_point started;
    bool is_good = false;  ///< its recovery point exists
    std::string told_as;   ///< "the backup of 2026-11-29 08:00 UTC"
};

struct RunOptions {
    RunMode mode = RunMode::diagnose;
    Part part = Part::all;
    Disruption max_disruption = Disruption::service_restart;
    bool allow_security_changes = false;  ///< also fixes findings with changes_security
    bool repair_risks = false;            ///< also fixes findings of Weight::risk that `only` does not name
    std::string error_code;               ///< as the vault reports it; may be empty
    std::string error_code_place;         ///< where it was read; may be empty
    std::vector<std::string> only;        ///< remediation ids; empty means all
    std::vector<std::string> exclude;     ///< remediation ids
    machine::Path agent_installer;        ///< MSI of the Windows guest agent, for agent-reinstall; may be empty
    /// Full resource ids of what may be changed in Azure though that loses something or opens it: locks, restore
    /// points, a policy, a key vault's access. A person names them, and only a person's token may change them.
    std::vector<std::string> azure_allow;
    azure::Choice azure = {};  ///< for the caller that creates the machine: azure::attach
    /// The machine is seen only through Azure: diagnoses inside the VM are left out.
    bool from_outside = false;
    bool compare_with_azure = true;  ///< Report::azure, where Azure may be asked
    std::chrono::steady_clock::time_point deadline = std::chrono::steady_clock::now() + std::chrono::minutes(10);
    /// Follows up the newest earlier run on this machine: a cause that it treated is proven by a later backup, still
    /// unproven, or has come back. Not for captures: the runs belong to the computer that reads the capture.
    bool follow_up = false;
    std::optional<WatchedBackup> backup = {};  ///< for that, beside the backups that the logs tell of
    /// Called before every fix. Where it returns true no further fix begins, as if the deadline had passed.
    std::function<bool()> stop_requested = [] { return false; };
    /// Gets "diagnosing", "fixing msdtc-account". Called from the thread that called run().
    std::function<void(const std::string&)> progress = [](const std::string&) {};
};

struct Report {
    std::string run_id;  ///< names the journal; empty where nothing could change
    RunMode mode = RunMode::diagnose;
    std::string error_code;  ///< RunOptions::error_code, else the code of the newest backup job where Azure is asked
    std::vector<Outcome> outcomes;            ///< in catalogue order, those that apply to this platform
    const Remediation* root_cause = nullptr;  ///< by root_cause_of, before anything was fixed
    std::string root_cause_reason;            ///< one sentence: why this cause, or why none
    machine::SystemFacts machine;
    std::vector<std::string> notices = {};  ///< one sentence each, on earlier runs: what was interrupted and is not
                                            ///< rolled back
    std::vector<BackupAttempt> attempts;    ///< past backups by the logs, oldest first; empty without logs
    std::vector<TwoViews> azure = {};       ///< Azure's view beside the VM's; empty where Azure may not be asked

    /// Returns true if a cause is broken, needs approval or needs an operator: somebody has to act. Risks do not count.
    bool is_cause_left() const;
    /// Returns true if is_cause_left(), or if anything is unproven: then only a backup is missing.
    bool anything_left() const;
    /// Returns the worst state in a layer. Worst first: broken, needs_*, unproven, unknown, fixed, healthy,
    /// not_applicable. Broken and needs_* do not count for risks.
    State layer_state(Layer layer) const;
};

/// The approvals that a run needs beyond its options before it repairs an outcome. All false: it may repair.
struct MissingApprovals {
    bool disruption = false;
    bool security = false;
    bool risk = false;

    bool any() const { return disruption || security || risk; }
};
MissingApprovals missing_approvals(const Outcome& outcome, const RunOptions& options);

/// Diagnoses all causes in parallel and names the root cause. In mode fix it then treats each broken cause in pipeline
/// order: fix, diagnose again, undo the fix where it did not help. Fixes nothing while a backup runs. Diagnosing needs
/// no state folder. Throws nothing but std::bad_alloc. Returns an Error where the journal cannot be written; then
/// nothing was changed.
machine::Result<Report> run(const RunOptions& options, machine::Machine& machine,
                            const std::filesystem::path& state_folder);

}  // namespace remediations
