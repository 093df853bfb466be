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

/// Functions of the computer that only the guard needs. Tests let its clock run fast.
struct GuardSystem {
    std::function<std::chrono::system_clock::time_point()> now;
    std::function<machine::local::Computer()> computer;
    std::function<remediations::BackupSigns()> signs;
    /// Returns why nothing may be looked at or changed now, as a clause after "because": a backup or an installation of
    /// software is active.
    std::function<std::optional<std::string>()> why_not_now;
    /// remediations::undo for a run.
    std::function<machine::Result<std::vector<remediations::UndoneStep>>(const std::string& run_id)> undo;
    /// Rolls back the uncommitted steps of interrupted runs. Returns the id of the newest run if it repaired `cause`
    /// and that repair is still in effect, else an empty text.
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

/// Functions of the operating system and of the modules below that the guest agent's commands need. Tests use their
/// own.
struct System {
    /// Returns a variable of the environment that the guest agent set.
    std::function<std::optional<std::string>(const std::string& name)> variable;
    std::function<bool()> privileged;
    /// Returns all of standard input; ErrorKind::invalid where it is larger than any settings are.
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

    /// remediations::run on this computer.
    std::function<machine::Result<remediations::Report>(const remediations::RunOptions&)> run;

    /// end_verbose_log on this computer; `at_once` ends it even if its time is not over.
    std::function<machine::Result<std::string>(bool at_once)> end_verbose_log = {};

    /// make_support_bundle of this computer, and machine::local::https.
    std::function<machine::Result<std::string>(const remediations::RunOptions&)> make_bundle = {};
    std::function<machine::Result<machine::HttpResponse>(const machine::local::HttpsRequest&)> https = {};

    /// remediations::rehearse_freeze on this computer.
    std::function<machine::Result<remediations::FreezeRehearsal>(const remediations::RehearsalOptions&)> rehearse = {};

    GuardSystem guard = {};
    AzureSystem azure = {};
};

System local_system();

}  // namespace handler
