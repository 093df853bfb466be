#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "remediations/machine/machine.hpp"
#include "remediations/model/signal.hpp"

namespace remediations {

class Changes;

/// The backup pipeline, in the order a backup runs through it. A broken early layer makes every
/// later one look broken, so the order decides root cause and repair order.
enum class Layer { guest_agent, backup_extension, os_snapshot, managed_disk, network, vault };
inline constexpr Layer all_layers[] = {Layer::guest_agent,  Layer::backup_extension, Layer::os_snapshot,
                                       Layer::managed_disk, Layer::network,          Layer::vault};

/// The worst a fix may do to the machine; each level includes those before it.
enum class Disruption {
    none,             ///< files and settings of backup itself
    agent_restart,    ///< the guest agent restarts
    service_restart,  ///< services whose restart users do not notice
    workload,         ///< a production service, an unmount, anything that can lose data
};

enum class State {
    healthy,
    broken,
    fixed,
    needs_approval,  ///< its fix does more than the settings allow
    needs_operator,  ///< only a person or the control plane can fix it
    not_applicable,
    unknown,  ///< it could not be checked; the summary says why
    /// The reason of the last failed backup is gone, by a repair or by itself, but only the next backup proves that: a
    /// state that was reset can come back. It stands last because the numbers of the others are codes in statuses that
    /// Azure keeps.
    unproven,
};

/// How much a finding that is not healthy contributes to failing backups.
enum class Weight {
    cause,  ///< it makes backups fail
    risk,   ///< it makes failures likelier; it is the root cause only where nothing else is found
};

/// The guest operating systems that a remediation applies to.
enum class Scope { linux, windows, both };

std::string_view to_string(Layer layer);
std::string_view to_string(Disruption disruption);
std::string_view to_string(State state);
std::string_view to_string(Scope scope);

/// The inverse of to_string(Disruption). Throws std::invalid_argument that names the known words.
Disruption parse_disruption(std::string_view word);

bool applies_to(Scope scope, machine::Platform platform);

/// One thing that was looked at. `where` is a path, key, service or address; `seen` quotes what is there.
struct Evidence {
    std::string where;
    std::string seen;
    std::string expected;

    friend bool operator==(const Evidence&, const Evidence&) = default;
};

/// What a finding rests on. A repair changes what is there now; all else stays until the next backup.
enum class Basis {
    now,         ///< the present state of the machine, or of Azure
    last_run,    ///< what the last run of the backup extension left behind
    log,         ///< only a log or a status that software wrote
    error_code,  ///< only the error code of the failed job: no look shows this cause
};

/// The answer of one diagnosis.
struct Finding {
    State state = State::unknown;
    std::string summary;             ///< one sentence: the state, not what to do
    std::vector<Evidence> evidence;  ///< what was looked at, also for a healthy finding
    std::string action;              ///< what a person should do; empty when healthy
    /// The objects that the fix changes, in that order: all of one kind (services, or files, or keys). A fix that needs
    /// anything else looks again.
    std::vector<std::string> subjects;
    Weight weight = Weight::cause;
    /// For a healthy finding: a log line since the last good backup that tells of this cause, though the machine no
    /// longer shows it.
    std::optional<Evidence> history = {};
    Basis basis = Basis::now;
    /// True if it can make backups fail, but nothing seen shows that it does: an old version, for example.
    bool is_suspicion = false;
    /// True if the finding says that the last run failed, but not why. Any finding that says why explains it.
    bool is_envelope = false;
    /// True if the fix changes what protects the machine, or what somebody may have switched off to protect it: the
    /// firewall, TLS, antivirus, a disabled service. The engine then fixes it only with
    /// RunOptions::allow_security_changes.
    bool changes_security = false;

    /// Returns the same finding with Weight::risk.
    Finding as_risk() &&;
    /// Returns the same finding with changes_security set.
    Finding as_security_change() &&;

    static Finding healthy(std::string summary, std::vector<Evidence> evidence = {});
    static Finding broken(std::string summary, std::vector<Evidence> evidence, std::string action);
    static Finding needs_operator(std::string summary, std::vector<Evidence> evidence, std::string action);
    static Finding not_applicable(std::string summary);
    /// `looked_at` is the path, key or service that could not be read.
    static Finding unknown(const std::string& looked_at, const machine::Error& error);
};

struct Remediation;

/// The options of a run that concern one remediation.
struct Question {
    std::string error_code;  ///< of the failed backup job, as the vault reports it; may be empty
    bool named = false;      ///< true if RunOptions::only names this remediation
    std::string error_code_place =
        {};  ///< where the code was read, "backup job 7a.. of 2026-11-29 08:00 UTC"; or empty
    machine::Path agent_installer = {};                  ///< RunOptions::agent_installer
    std::span<const std::string> azure_allow = {};       ///< RunOptions::azure_allow
    std::span<const Remediation* const> catalogue = {};  ///< all remediations, for a diagnosis that must know what
                                                         ///< others explain
};

/// One cause of failing backups: its facts and two functions. A remediation without `fix` only tells a person what to
/// do.
struct Remediation {
    std::string id;
    std::string title;  ///< the cause as a statement, "X does not run"
    Layer layer = Layer::guest_agent;
    Scope scope = Scope::both;
    std::vector<std::string> error_codes;  ///< Azure Backup codes it can explain; other names of the same code count
    Disruption disruption = Disruption::none;
    std::string explanation;  ///< its meaning for backup, and what the fix does; a short paragraph
    std::string source;       ///< the source of these facts
    /// What diagnose and the engine look for in logs, events and results. A healthy finding without evidence means that
    /// there was no judged event: it becomes unknown where the event log cannot be read.
    std::vector<Signal> signals = {};
    std::vector<std::string> consequences = {};  ///< ids of the remediations that look broken because of this one
    /// True if the fix only resets what a failed backup left behind, such as a writer's state or a folder. A healthy
    /// diagnosis after the fix then proves nothing.
    bool only_next_backup_proves = false;
    /// True if it runs only where RunOptions::only names it, because nobody wants it unasked.
    bool on_request = false;
    /// Its fix changes Azure, and nothing in the VM: done only where azure::Choice::repair says so.
    bool acts_in_azure = false;
    /// The action for a person, where only the vault's error code shows this cause.
    std::string instructions = {};

    /// Diagnoses the cause inside the VM. Empty for a cause outside the VM, which only the vault's error code shows.
    /// Where both exist, the error code counts only if diagnose finds nothing.
    std::function<Finding(const machine::Machine&)> diagnose = {};
    /// Replaces diagnose where the question decides how closely to look or how to weigh the result: for a slow tool, or
    /// for a cause that shows in the error code and in the VM.
    std::function<Finding(const machine::Machine&, const Question&)> diagnose_for = {};
    /// Diagnoses the cause by asking Azure; called only where Azure may be asked. Beside diagnose or diagnose_for, its
    /// result counts where they found no more than a risk.
    std::function<Finding(const machine::Machine&, const Question&)> diagnose_in_azure = {};
    /// Changes the machine, only through `changes`. Returns the first failure; the engine then undoes the steps that
    /// were done. Called only after diagnose returned broken.
    std::function<machine::Result<void>(const Finding&, Changes&)> fix = {};
};

/// Returns true if this remediation can explain the error code (compared without case): by its name, or by a family
/// of codes (a name that ends with *).
bool explains(const Remediation& remediation, std::string_view error_code);

}  // namespace remediations
