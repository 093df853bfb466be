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
    bool wait_for_vault = false;       ///< else the snapshot's recovery point is enough, which is there long before
    std::chrono::minutes within{180};  ///< from the start of the backup on
    std::optional<BegunBackup> begun = {};  ///< goes on with this one
    /// Told before a backup is asked for, and once its job is known. Its Error ends the proof: then nothing is begun.
    std::function<machine::Result<void>(const BegunBackup&)> note = [](const auto&) { return machine::Result<void>(); };
    std::function<bool()> stop_requested = [] { return false; };                   ///< asked each second
    std::function<void(const std::string&)> progress = [](const std::string&) {};  ///< "waiting for job ..."
    /// How time passes; tests put their own in.
    std::function<std::chrono::system_clock::time_point()> now = [] { return std::chrono::system_clock::now(); };
    std::function<void(std::chrono::seconds)> sleep = {};  ///< empty: this thread sleeps
};

/// What became of a backup that was to prove that backups work.
struct Proof {
    std::string item;          ///< resource id of what was backed up
    std::string job;           ///< id of its job; empty where none began
    bool is_proven = false;    ///< a recovery point exists that is newer than the start
    bool was_stopped = false;  ///< by stop_requested, before it was decided
    std::optional<std::chrono::system_clock::time_point> started;  ///< of the backup; nothing where none began
    std::string summary;                                           ///< one sentence
    std::string recovery_point;                                    ///< its name
    std::optional<std::chrono::system_clock::time_point> time;
    std::string consistency;  ///< "ApplicationConsistent", "FileSystemConsistent", "CrashConsistent"
    std::string tiers;        ///< "InstantRP", "InstantRP, HardenedRP"
    std::string error_code;   ///< of a job that failed
};

/// Starts a backup of the VM, unless one runs already, and waits until its recovery point exists. It costs what any
/// backup costs; the recovery point expires after two days. Not more than three in 24 hours: a fourth is refused here.
/// Error where Azure does not tell, or nobody protects the VM; a backup that failed is a Proof that is none.
machine::Result<Proof> prove_by_backup(machine::Machine& machine, const ProveOptions& options);

}  // namespace remediations::azure
