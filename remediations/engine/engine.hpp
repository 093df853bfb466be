#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

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
    bool allow_security_changes = false;  ///< fixes findings with changes_security, too
    bool repair_risks = false;            ///< fixes findings of Weight::risk, too, not only those named in `only`
    std::string error_code;               ///< as the vault reports it; may be empty
    std::string error_code_place;         ///< where it was read; may be empty
    std::vector<std::string> only;        ///< remediation ids; empty means all
    std::vector<std::string> exclude;     ///< remediation ids
    machine::Path agent_installer;        ///< MSI of the Windows guest agent, for agent-reinstall; may be empty
    /// Full resource ids of what may be removed in Azure though that loses something: locks, collections of restore
    /// points. A person names them, and only a person's token may remove them.
    std::vector<std::string> azure_allow;
    azure::Choice azure = {};  ///< for whoever makes the machine: azure::attach
    /// The machine is seen through Azure alone: what looks inside it is left out.
    bool from_outside = false;
    std::chrono::steady_clock::time_point deadline = std::chrono::steady_clock::now() + std::chrono::minutes(10);
    /// The newest earlier run on this machine is followed up: what it treated is proven by a backup since, still
    /// unproven, or has come back. Not for captures: the runs are those of the computer that reads them.
    bool follow_up = false;
    std::optional<WatchedBackup> backup = {};  ///< for that, beside the backups that the logs tell of
    /// Asked before every fix; true lets no further fix begin, as if the deadline had passed.
    std::function<bool()> stop_requested = [] { return false; };
    /// "diagnosing", "fixing msdtc-account"; called from the thread that called run().
    std::function<void(const std::string&)> progress = [](const std::string&) {};
};

struct Report {
    std::string run_id;  ///< names the journal; empty where nothing could change
    RunMode mode = RunMode::diagnose;
    std::string error_code;         ///< as the run was told it, else of the newest backup job where Azure is asked
    std::vector<Outcome> outcomes;  ///< in catalogue order, those that apply to this platform
    const Remediation* root_cause = nullptr;  ///< by root_cause_of, before anything was fixed
    std::string root_cause_reason;            ///< one sentence: why this one, or why none
    machine::SystemFacts machine;
    std::vector<std::string> notices = {};  ///< sentences on earlier runs: what was interrupted and is not rolled back
    std::vector<BackupAttempt> attempts;    ///< what the logs tell of past backups, oldest first; empty without logs

    /// True where a cause is broken, needs approval or an operator: somebody has to act. Risks do not count.
    bool is_cause_left() const;
    /// The same, or a cause is unproven: then all that is left is a backup.
    bool anything_left() const;
    /// The worst state in a layer, of what is more than a risk, worst first: broken, needs_*, unproven, unknown, fixed,
    /// healthy, not_applicable.
    State layer_state(Layer layer) const;
};

/// What a run has to be allowed beyond its options, so that it repairs this; all false where it may.
struct MissingApprovals {
    bool disruption = false;
    bool security = false;
    bool risk = false;

    bool any() const { return disruption || security || risk; }
};
MissingApprovals missing_approvals(const Outcome& outcome, const RunOptions& options);

/// Diagnoses everything in parallel, names the root cause, and, in mode fix, for each broken cause
/// in pipeline order: fix, diagnose again, and undo the fix where it did not help. A running
/// backup is never disturbed: nothing is fixed while one runs.
/// Diagnosing needs no state folder. Throws nothing but std::bad_alloc; a journal that cannot be
/// written is Error (nothing was changed then).
machine::Result<Report> run(const RunOptions& options, machine::Machine& machine,
                            const std::filesystem::path& state_folder);

}  // namespace remediations
