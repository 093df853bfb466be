#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "remediations/machine/machine.hpp"

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
    service_restart,  ///< services whose restart users do not feel
    workload,         ///< a production service, an unmount, anything that can lose data
};

enum class State {
    healthy,
    broken,
    fixed,
    needs_approval,  ///< its fix does more than the settings allow
    needs_operator,  ///< only a person or the control plane can fix it
    not_applicable,
    unknown,  ///< could not look; the summary says why
    /// What made the last backup fail is gone, by a repair or by itself, but only the next backup proves it: a reset
    /// state can come back. Last, because the numbers of the others are codes in statuses that Azure keeps.
    unproven,
};

/// The part that a finding which is not healthy has in failing backups.
enum class Weight {
    cause,  ///< it makes backups fail
    risk,  ///< it makes a failure likelier, but alone it explains none: the root cause only where nothing else is found
};

/// The logs that tell of backups, each in every place and age in which it is kept.
enum class Log {
    agent,            ///< waagent.log; WaAppAgent.log
    agent_installer,  ///< TransparentInstaller.log of the Windows agent: how it installs and starts itself
    extension,        ///< VMSnapshotLinux's extension.log; IaaSBcdrExtension<n>.log
    extension_shell,  ///< shell.log of VMSnapshotLinux
    commands,         ///< CommandExecution.log: what the agent ran, with its output
    kernel,           ///< the ring buffer, and kern.log, messages or syslog
    audit,            ///< audit.log: SELinux, AppArmor and fapolicyd
};

/// A line of a log that a remediation looks for: it contains `text`. All are found in one pass.
struct LogPattern {
    Log log;
    std::string text;

    friend bool operator==(const LogPattern&, const LogPattern&) = default;
};

/// Events of a Windows event log that a remediation looks for, by what is the same in every display language.
/// All are read in one pass.
struct EventPattern {
    std::string channel;             ///< "System", "Application"
    std::string provider;            ///< "Service Control Manager"; compares without case
    std::vector<std::uint32_t> ids;  ///< as the Event Viewer shows them

    friend bool operator==(const EventPattern&, const EventPattern&) = default;
};

/// A line, or an event of Windows, that proves a cause by itself.
struct Testimony {
    LogPattern line = {};     ///< as the agent or the extension prints it; no text: an event
    EventPattern event = {};  ///< no channel: a line
    /// Of an event: the key name of the service that it is about (service_of).
    std::string service = {};
    /// What it has too, all of these. In an event, where they compare without case, each stands as a word of its own.
    std::vector<std::string> with = {};
    std::vector<std::string> without = {};  ///< none of these
    /// Texts of the same log: once one follows, the line says nothing any more.
    std::vector<std::string> revoked_by = {};
    /// No line tells when it is over, or it has other causes too: no history, where the machine is well. An event never
    /// is one: diagnose weighs those that it asks for.
    bool heals_unsaid = false;
};

/// Which guest operating systems a remediation speaks about.
enum class Scope { linux, windows, both };

std::string_view to_string(Layer layer);
std::string_view to_string(Disruption disruption);
std::string_view to_string(State state);
std::string_view to_string(Scope scope);

/// Inverse of to_string(Disruption); throws std::invalid_argument naming the words it knows.
Disruption parse_disruption(std::string_view word);

bool applies_to(Scope scope, machine::Platform platform);

/// One thing that was looked at. `where` is a path, key, service or address; `seen` quotes it.
struct Evidence {
    std::string where;
    std::string seen;
    std::string expected;

    friend bool operator==(const Evidence&, const Evidence&) = default;
};

/// The answer of one diagnosis.
struct Finding {
    State state = State::unknown;
    std::string summary;             ///< one sentence: what is so, not what to do
    std::vector<Evidence> evidence;  ///< what was looked at, also when it is healthy
    std::string action;              ///< what a person should do; empty when healthy
    /// What the fix acts on, in the order it should act: all of one kind (services, or files, or keys). A fix that
    /// needs anything else looks again.
    std::vector<std::string> subjects;
    Weight weight = Weight::cause;
    /// Of a healthy one: a log tells of this cause since the last good backup, but the machine shows it no longer.
    std::optional<Evidence> history = {};
    /// It rests on what the last run of the backup extension left behind, not on how the machine is now: once its own
    /// cause is fixed, only the next backup shows whether it is gone.
    bool told_by_last_run = false;
    /// It rests alone on what software wrote, in a log or a status of its own, which a repair does not take away.
    bool told_by_log = false;
    /// It can make backups fail, and nothing seen shows that it does: an old version, say.
    bool is_suspicion = false;
    /// It says that the last run failed, not why: whatever says why explains it.
    bool is_envelope = false;
    /// Its fix changes what protects the machine, or what somebody may have switched off to protect it: the firewall,
    /// TLS, antivirus, a disabled service. Done only where RunOptions::allow_security_changes.
    bool changes_security = false;

    /// The same finding as a risk.
    Finding as_risk() &&;
    /// The same finding with changes_security set.
    Finding as_security_change() &&;

    static Finding healthy(std::string summary, std::vector<Evidence> evidence = {});
    static Finding broken(std::string summary, std::vector<Evidence> evidence, std::string action);
    static Finding needs_operator(std::string summary, std::vector<Evidence> evidence, std::string action);
    static Finding not_applicable(std::string summary);
    /// `looked_at` is the path, key or service that could not be read.
    static Finding unknown(const std::string& looked_at, const machine::Error& error);
};

struct Remediation;

/// The part of a run's options that concerns one remediation.
struct Question {
    std::string error_code;  ///< of the failed backup job, as the vault reports it; may be empty
    bool named = false;      ///< the run names this remediation in RunOptions::only
    std::string error_code_place =
        {};  ///< where the code was read, "backup job 7a.. of 2026-11-29 08:00 UTC"; or empty
    machine::Path agent_installer = {};                  ///< RunOptions::agent_installer
    std::span<const std::string> azure_allow = {};       ///< RunOptions::azure_allow
    std::span<const Remediation* const> catalogue = {};  ///< every remediation, for who must know what others explain
};

/// One cause of failing backups: its facts and two functions. A remediation without `fix` only
/// tells a person what to do.
struct Remediation {
    std::string id;
    std::string title;  ///< the cause as a statement, "X does not run"
    Layer layer = Layer::guest_agent;
    Scope scope = Scope::both;
    std::vector<std::string> error_codes;  ///< Azure Backup codes it can explain
    Disruption disruption = Disruption::none;
    std::string explanation;                 ///< what it means for backup, what the fix does; a short paragraph
    std::string source;                      ///< where the facts come from
    std::vector<LogPattern> log_lines = {};  ///< what diagnose asks LogEvidence for
    /// The events that diagnose asks EventEvidence for. A healthy finding without evidence rests on there being no such
    /// event: it becomes unknown where the event log cannot be read.
    std::vector<EventPattern> events = {};
    /// They count where diagnose could not look at the machine; where it looked and found it healthy, they are history.
    std::vector<Testimony> testimonies = {};
    std::vector<int> proving_results = {};       ///< of the Linux extension; they count as testimonies do
    std::vector<std::string> consequences = {};  ///< ids of what looks broken because of this
    /// Its fix resets what a failed backup left behind, a writer's state or a folder: healthy after it is no proof.
    bool only_next_backup_proves = false;
    /// Runs only where it is named in RunOptions::only: nobody wants it unasked.
    bool on_request = false;
    /// Its fix changes Azure, and nothing in the VM: done only where azure::Choice::repair says so.
    bool acts_in_azure = false;
    /// The action for a person where only the vault's error code shows it.
    std::string instructions = {};

    /// Empty for what lies outside the VM: then the vault's error code alone shows it. With both, the
    /// code counts where diagnose finds nothing.
    std::function<Finding(const machine::Machine&)> diagnose = {};
    /// In place of diagnose, where the question decides how closely to look or how to weigh what is seen:
    /// for a slow tool, or a cause that shows in the error code and in the VM.
    std::function<Finding(const machine::Machine&, const Question&)> diagnose_for = {};
    /// What Azure itself shows of it; called only where Azure may be asked. With the others, it decides where they
    /// found no more than a risk.
    std::function<Finding(const machine::Machine&, const Question&)> diagnose_in_azure = {};
    /// Changes the machine through `changes` alone. Returns the first failure; the engine then
    /// undoes what was done. Not called unless diagnose just said broken.
    std::function<machine::Result<void>(const Finding&, Changes&)> fix = {};
};

/// Returns true if this remediation can explain the error code (compared without case): by its name, or by a family
/// of codes (a name that ends with *).
bool explains(const Remediation& remediation, std::string_view error_code);

}  // namespace remediations
