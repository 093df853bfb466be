#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "remediations/machine/machine.hpp"

namespace remediations::azure {

/// A backup that a proof waits for; enough to go on waiting after a restart of this computer.
struct BegunBackup {
    std::string item;                                 ///< resource id of what is backed up
    std::string job;                                  ///< resource id; empty until Azure has told it
    std::chrono::system_clock::time_point started{};  ///< of the job, or when it was asked for

    friend bool operator==(const BegunBackup&, const BegunBackup&) = default;
};

struct ProveOptions {
    bool wait_for_vault = false;  ///< false: waits only for the snapshot's recovery point, which exists long before
    std::chrono::minutes within{180};       ///< from the start of the backup on
    std::optional<BegunBackup> begun = {};  ///< goes on with this one
    /// A backup that runs already proves something only where it began after this; empty: any does.
    std::optional<std::chrono::system_clock::time_point> not_before = {};
    /// Called before a backup is asked for, and once its job is known. An Error ends the proof: then nothing is begun.
    std::function<machine::Result<void>(const BegunBackup&)> note = [](const auto&) { return machine::Result<void>(); };
    std::function<bool()> stop_requested = [] { return false; };                   ///< asked each second
    std::function<void(const std::string&)> progress = [](const std::string&) {};  ///< "waiting for job ..."
    /// The clock. Tests use their own.
    std::function<std::chrono::system_clock::time_point()> now = [] { return std::chrono::system_clock::now(); };
    std::function<void(std::chrono::seconds)> sleep = {};  ///< empty: this thread sleeps
};

/// The result of a backup that was started to prove that backups work.
struct Proof {
    std::string item;          ///< resource id of the protected item
    std::string job;           ///< id of the backup job; empty where none began
    bool is_proven = false;    ///< true if there is a recovery point that is newer than the start
    bool was_stopped = false;  ///< by stop_requested, before it was decided
    std::optional<std::chrono::system_clock::time_point> started;  ///< of the backup; nothing where none began
    std::string summary;                                           ///< one sentence
    std::string recovery_point;                                    ///< name of the recovery point
    std::optional<std::chrono::system_clock::time_point> time;
    std::string consistency;  ///< "ApplicationConsistent", "FileSystemConsistent", "CrashConsistent"
    std::string tiers;        ///< "InstantRP", "InstantRP, HardenedRP"
    std::string error_code;   ///< of a failed job
};

/// Starts a backup of the VM, unless one runs already, and waits until its recovery point exists. It costs as much as
/// any backup; the recovery point expires after two days. Refuses a fourth backup within 24 hours. Error where Azure
/// does not answer or no vault protects the VM. A failed backup is a Proof with is_proven = false.
machine::Result<Proof> prove_by_backup(machine::Machine& machine, const ProveOptions& options);

}  // namespace remediations::azure
