#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <boost/algorithm/string/predicate.hpp>
#include <span>

#include "remediations/knowledge/configuration/extension_folder.hpp"
#include "remediations/knowledge/extension/backup_activity.hpp"
#include "remediations/knowledge/extension/handler_refusal.hpp"
#include "remediations/knowledge/extension/last_run.hpp"
#include "remediations/knowledge/extension/reinstall_extension.hpp"
#include "remediations/knowledge/reasons/meaning.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::backup_extension_state {

namespace {

/// The agent gives a whole goal state 90 minutes, and the extension refuses a command that is older than 140: a command
/// that has not ended by then never will.
constexpr auto stuck_after = std::chrono::minutes(140);

/// Result codes of the snapshot extension that a new installation cures: a missing file, a missing safefreeze, a
/// damaged plug-in host configuration. Not 2: any exception and inconsistent snapshots end with it.
constexpr int cured_by_reinstalling[] = {12, 124, 304, 313};
/// Results that are not failures: consistent backup, sequence already processed, host still at work.
constexpr int good_codes[] = {0, 1, 3, 4};
/// All other codes that the extension documents (11 to 761) have a cause outside its own folder.
constexpr int lowest_documented = 2;
constexpr int highest_documented = 761;

bool is_any_of(std::span<const int> codes, int code) {
    return std::ranges::find(codes, code) != codes.end();
}

bool contains(const std::vector<std::string>& names, std::string_view name) {
    return std::ranges::any_of(names, [&](const auto& other) { return boost::iequals(other, name); });
}

std::string age(std::chrono::system_clock::duration duration) {
    const auto minutes = std::chrono::duration_cast<std::chrono::minutes>(duration).count();
    return minutes < 120 ? fmt::format("{} minutes", minutes) : fmt::format("{} hours", minutes / 60);
}

/// The result of one look at the machine.
class Examination {
public:
    explicit Examination(const machine::Machine& machine, const InstalledExtension& installed, bool is_running)
        : now_(machine.facts().now),
          windows_(machine.facts().platform == machine::Platform::windows),
          is_running_(is_running),
          began_a_snapshot_(windows_ && has_begun_a_snapshot(machine)),
          installed_(installed) {
        for (const auto& folder : installed.folders) examine(folder);
        examine_versions();
    }

    const std::vector<std::string>& faults() const { return faults_; }
    const std::vector<Evidence>& evidence() const { return evidence_; }
    const std::vector<std::string>& notes() const { return notes_; }
    /// Returns true if no fault shows in the files themselves, only in what agent or extension reported.
    bool only_reported() const { return reported_faults_ == faults_.size(); }
    /// Returns the advice for the reason in the agent's message; may be empty.
    const std::string& advice() const { return advice_; }

private:
    void fault(std::string what, Evidence evidence) {
        faults_.push_back(std::move(what));
        evidence_.push_back(std::move(evidence));
    }

    void reported_fault(std::string what, Evidence evidence) {
        ++reported_faults_;
        fault(std::move(what), std::move(evidence));
    }

    void examine(const ExtensionFolder& folder) {
        const auto version = "version " + folder.version;
        for (const auto& [path, why] : folder.unreadable) {
            fault(version + " has a damaged file", {path, why, "readable"});
        }
        // On Windows the agent leaves folders of older versions behind, emptied to some degree.
        const bool must_be_whole = !windows_ || folder.path == installed_.folders.back().path;
        const auto refusal = windows_ ? std::nullopt : handler_refusal(folder);
        if (refusal && refusal->never_ran()) {
            // The agent leaves a folder with little more than this file where it could not bring the extension at all.
            notes_.push_back(fmt::format("The agent did not run {}: {}; the cause of that lies elsewhere", version,
                                         refusal->message.substr(0, 300)));
            evidence_.push_back(refusal->evidence);
            return;
        }
        if (must_be_whole && !contains(folder.names, "HandlerManifest.json")) {
            const auto half_recreated = !windows_ && folder.names == std::vector<std::string>{"config"};
            fault(
                version + (half_recreated ? " was deleted while its command ran, and half of it was created again"
                                          : " lacks its manifest"),
                {folder.path, fmt::format("{}", fmt::join(folder.names, " ")), "HandlerManifest.json among its files"});
        }
        examine_handler(folder, version);
        if (folder.status) examine_status(*folder.status, version);
    }

    void examine_handler(const ExtensionFolder& folder, const std::string& version) {
        const auto place = windows_ ? "InstallState of " + folder.path : folder.path + "/config/HandlerStatus";
        if (folder.handler_status == "NotReady" && folder.handler_code != 0) {
            const auto why = reason_of(folder);
            reported_fault(
                fmt::format("{} is not ready: the agent reports code {}{}", version, folder.handler_code,
                            why.empty() ? "" : ", " + why),
                {place, fmt::format("NotReady, code {}: {}", folder.handler_code, folder.handler_message), "Ready"});
        } else if (!windows_ && folder.handler_status == "Installing" && is_stale(folder.handler_reported)) {
            reported_fault(version + " is stuck in installing",
                           {place, fmt::format("Installing for {}", age(now_ - folder.handler_reported)), "Ready"});
        }
        if (windows_ && is_being_removed(folder)) {
            reported_fault(version + " is stuck in its removal", {place, folder.handler_state, "Enabled"});
        } else if (folder.handler_state == "FailedUpgrade" || boost::iequals(folder.handler_state, "Failed") ||
                   (windows_ && boost::istarts_with(folder.handler_state, "Failed"))) {
            reported_fault(fmt::format("{} is in state {}", version, folder.handler_state),
                           {windows_ ? place : folder.path + "/config/HandlerState", folder.handler_state, "Enabled"});
        }
    }

    /// Returns the reason in the agent's message, in words; empty where it has none.
    std::string reason_of(const ExtensionFolder& folder) {
        const auto refusal = windows_ ? std::nullopt : handler_refusal(folder);
        if (!refusal || refusal->reasons.empty()) return {};
        const auto& innermost = refusal->reasons.front();
        const auto meaning = meaning_of(innermost);
        if (meaning && advice_.empty()) advice_ = advice_of(*meaning);
        return meaning ? fmt::format("{} ({})", description_of(innermost), clause_of(*meaning))
                       : description_of(innermost);
    }

    void examine_status(const ExtensionStatus& status, const std::string& version) {
        if (status.word == "transitioning" && is_stale(status.modified)) {
            reported_fault(
                version + " is stuck in transitioning",
                {status.file, fmt::format("transitioning for {}", age(now_ - status.modified)), "success or error"});
            return;
        }
        const int code = status.code.value_or(0);
        const auto seen = fmt::format("{}, code {}: {}", status.word, code, status.message.substr(0, 300));
        constexpr int any_exception = 2;
        const bool cannot_import =
            code == any_exception &&
            (boost::contains(status.message, "ImportError") || boost::icontains(status.message, "import error") ||
             boost::icontains(status.message, "at import") || boost::contains(status.message, "No module named"));
        if (is_any_of(cured_by_reinstalling, code) || cannot_import) {
            reported_fault(fmt::format("{} failed with code {}, which a fresh installation cures", version, code),
                           {status.file, seen, "success, code 0 or 1"});
        } else if (code >= lowest_documented && code <= highest_documented && !is_any_of(good_codes, code)) {
            notes_.push_back(fmt::format("Its last backup ended with code {}; the cause of that lies elsewhere", code));
            evidence_.push_back({status.file, seen, "success, code 0 or 1"});
        } else if (status.word == "error" && began_a_snapshot_) {
            notes_.emplace_back("Its last backup failed after the extension had started well");
            evidence_.push_back({status.file, seen, "success"});
        } else if (status.word == "error") {
            reported_fault(version + " reports an error of its own", {status.file, seen, "success"});
        } else {
            evidence_.push_back({status.file, seen, "success"});
        }
    }

    /// Agents up to 2.2 refuse a version that is lower than one on the disk; then the lower one has an empty folder. A
    /// higher version that was never installed, while a lower one is in use, is such a leftover.
    void examine_versions() {
        if (windows_ || installed_.folders.size() < 2) return;
        const auto& highest = installed_.folders.back();
        const auto in_use = [](const ExtensionFolder& folder) { return folder.handler_state == "Enabled"; };
        const bool lower_in_use = std::any_of(installed_.folders.begin(), installed_.folders.end() - 1, in_use);
        if (in_use(highest) || !lower_in_use || is_running_) return;
        fault(fmt::format("version {} is left over above the version in use", highest.version),
              {highest.path,
               fmt::format("HandlerState {}", highest.handler_state.empty() ? "missing" : highest.handler_state),
               "no version above the one in use"});
    }

    /// Returns true if the newest run failed only after it had reached the services and writers of Windows: then the
    /// extension itself works, whatever its status says of the backup.
    static bool has_begun_a_snapshot(const machine::Machine& machine) {
        const auto& last = machine.derived<LastRun>();
        return last.is_failure() && last.attempt() && last.attempt()->phase >= BackupPhase::services;
    }

    /// Returns true for "Uninstalling" and similar states of the version that should be in use. Older versions may be
    /// removed.
    bool is_being_removed(const ExtensionFolder& folder) const {
        const bool is_word = boost::icontains(folder.handler_state, "uninstalling") ||
                             boost::icontains(folder.handler_state, "deleting") ||
                             boost::icontains(folder.handler_state, "deletion");
        return is_word && !is_running_ && folder.path == installed_.folders.back().path;
    }

    bool is_stale(std::chrono::system_clock::time_point since) const {
        return !is_running_ && since != std::chrono::system_clock::time_point{} && now_ - since > stuck_after;
    }

    std::chrono::system_clock::time_point now_;
    bool windows_;
    bool is_running_;
    bool began_a_snapshot_;
    const InstalledExtension& installed_;
    std::vector<std::string> faults_;
    std::size_t reported_faults_ = 0;
    std::vector<Evidence> evidence_;
    std::vector<std::string> notes_;
    std::string advice_;
};

Finding diagnose(const machine::Machine& machine) {
    const auto name = backup_extension_name(machine.facts().platform);
    const auto installed = installed_backup_extension(machine);
    if (!installed) return Finding::unknown("the folders of " + name, installed.error());
    const auto running = running_backup_processes(machine);
    if (!running) return Finding::unknown("the list of processes", running.error());
    if (installed->folders.empty()) {
        return Finding::healthy(fmt::format("{} is not installed; the agent installs it at the next backup.", name));
    }
    const Examination examination(machine, *installed, !running->empty());
    if (examination.faults().empty()) {
        auto summary =
            fmt::format("{} {} is installed and not in a failed state.", name, installed->folders.back().version);
        for (const auto& note : examination.notes()) summary += " " + note + ".";
        return Finding::healthy(std::move(summary), examination.evidence());
    }
    const auto first = examination.advice().empty() ? std::string() : examination.advice() + " If that does not help: ";
    auto finding = Finding::broken(
        fmt::format("{}: {}.", name, fmt::join(examination.faults(), "; ")), examination.evidence(),
        fmt::format("{}{}ove the extension's folders and kept packages away, so that the agent installs it afresh at "
                    "the next backup.",
                    first, first.empty() ? "M" : "m"));
    for (const auto& folder : installed->folders) finding.subjects.push_back(folder.path);
    if (examination.only_reported()) finding.basis = Basis::last_run;
    finding.is_envelope = examination.only_reported();
    return finding;
}

machine::Result<void> fix(const Finding&, Changes& changes) {
    return reinstall_backup_extension(changes);
}

}  // namespace

Remediation remediation() {
    return {
        .id = "backup-extension-state",
        .title = "The backup extension is in a failed or stuck state",
        .layer = Layer::backup_extension,
        .scope = Scope::both,
        .error_codes = {"UserErrorVmProvisioningStateFailed", "ExtensionStuckInDeletionState",
                        "ExtensionOperationFailed", "ExtentionOperationFailed", "VMExtensionProvisioningError",
                        "GuestAgentSnapshotTaskStatusError", "ExtensionOperationFailedForManagedDisks",
                        "BackUpOperationFailed", "BackUpOperationFailedV2", "1002", "1003", "1004", "1005", "1007",
                        "1008", "1009", "1010", "1012"},
        .disruption = Disruption::none,
        .explanation =
            "The guest agent keeps the state of the backup extension on disk. A version that failed to install, hangs, "
            "lacks files or lies above the version in use stops every later backup. The fix moves the extension's "
            "folders and kept packages (on Windows also its HandlerState keys) to quarantine while no backup runs; the "
            "agent installs it afresh at the next goal state, which the next backup brings. That backup may be "
            "crash-consistent once.",
        .source = "https://learn.microsoft.com/azure/backup/backup-azure-troubleshoot-vm-backup-fails-snapshot-timeout",
        .signals = {proof(Log::agent, "Downgrade not allowed"),
                    {.role = Role::proof,
                     .line = {Log::agent, "name=Microsoft.Azure.RecoveryServices.VMSnapshotLinux, op="},
                     .with = {"Error]"},
                     .without = {"ownload", "olicy", "processing is disabled", "No space left"}},
                    // Windows: it was started, and did not come to an end.
                    {.role = Role::proof,
                     .line = {Log::agent, "Beginning enable of plugin Microsoft.Azure.RecoveryServices.VMSnapshot"},
                     .revoked_by = {"Successfully enabled plugin Microsoft.Azure.RecoveryServices.VMSnapshot"},
                     .heals_unsaid = true}},
        .consequences = {"extension-error", "backup-attempt-failed"},
        .only_next_backup_proves = true,
        .diagnose = diagnose,
        .fix = fix,
    };
}

}  // namespace remediations::causes::backup_extension_state
