#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "remediations/changes/undo.hpp"
#include "remediations/engine/engine.hpp"
#include "remediations/knowledge/azure/prove.hpp"
#include "remediations/knowledge/extension/backup_signs.hpp"
#include "remediations/knowledge/snapshot/freeze_rehearsal.hpp"
#include "remediations/machine/local/computer.hpp"
#include "remediations/machine/local/detached_process.hpp"
#include "remediations/machine/local/https.hpp"
#include "remediations/machine/local/recurring_job.hpp"

namespace handler {

/// What the guard needs of the computer beside all that. Tests let its clock run fast.
struct GuardSystem {
    std::function<std::chrono::system_clock::time_point()> now;
    std::function<machine::local::Computer()> computer;
    std::function<remediations::BackupSigns()> signs;
    /// Why nothing may be looked at or changed now, to follow "because": a backup, or who installs software, is at
    /// work.
    std::function<std::optional<std::string>()> why_not_now;
    /// remediations::undo of a run.
    std::function<machine::Result<std::vector<remediations::UndoneStep>>(const std::string& run_id)> undo;
    /// Rolls back what interrupted runs left half done. Returns the id of the newest run where that repaired `cause`
    /// and still lasts, else an empty one.
    std::function<machine::Result<std::string>(const std::string& cause)> recover;
    std::function<void(const std::string& line)> tell;  ///< machine::local::tell_system
    std::function<machine::Result<machine::local::JobBy>(const machine::local::RecurringJob&)> install_job;
    std::function<machine::Result<void>(const std::string& name)> remove_job;
};

/// What follows in Azure, on the same computer.
struct AzureSystem {
    /// remediations::azure::wait_until_settled
    std::function<machine::Result<void>(const remediations::azure::Choice&, std::chrono::seconds patience,
                                        const std::function<bool()>& stop_requested)>
        settle;
    /// remediations::azure::prove_by_backup
    std::function<machine::Result<remediations::azure::Proof>(const remediations::azure::Choice&,
                                                              const remediations::azure::ProveOptions&)>
        prove;
};

/// What the guest agent's commands need of the operating system and of the floors below. Tests put
/// their own functions in.
struct System {
    /// A variable of the environment the guest agent gave us.
    std::function<std::optional<std::string>(const std::string& name)> variable;
    std::function<bool()> privileged;
    /// All of this process's standard input; ErrorKind::invalid where it is larger than any settings are.
    std::function<machine::Result<std::string>()> standard_input = {};
    std::filesystem::path executable;
    std::filesystem::path state_folder;

    /// machine::local::start_detached, run_supervised and decrypt_cms.
    std::function<machine::Result<machine::local::Detachment>(
        const std::string& unit, const std::filesystem::path& program, const std::vector<std::string>& arguments,
        const std::filesystem::path& working_directory, machine::local::DetachBy by)>
        start_detached;
    std::function<machine::Result<int>(const std::filesystem::path& program, const std::vector<std::string>& arguments,
                                       const std::filesystem::path& working_directory,
                                       std::chrono::milliseconds timeout)>
        run_supervised;
    std::function<machine::Result<std::string>(const std::string& der, const std::string& thumbprint,
                                               const std::filesystem::path& agent_folder)>
        decrypt;

    /// remediations::run on the computer this process runs on.
    std::function<machine::Result<remediations::Report>(const remediations::RunOptions&)> run;

    /// end_verbose_log on the same computer; `at_once` whether or not its time is over.
    std::function<machine::Result<std::string>(bool at_once)> end_verbose_log = {};

    /// make_support_bundle of the same computer, and machine::local::https.
    std::function<machine::Result<std::string>(const remediations::RunOptions&)> make_bundle = {};
    std::function<machine::Result<machine::HttpResponse>(const machine::local::HttpsRequest&)> https = {};

    /// remediations::rehearse_freeze on the same computer.
    std::function<machine::Result<remediations::FreezeRehearsal>(const remediations::RehearsalOptions&)> rehearse = {};

    GuardSystem guard = {};
    AzureSystem azure = {};
};

System local_system();

}  // namespace handler
