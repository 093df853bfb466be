#pragma once

#include <filesystem>

#include "handler/agent/exit_code.hpp"
#include "handler/agent/settings.hpp"
#include "handler/agent/system.hpp"
#include "handler/report/status.hpp"

namespace handler {

/// The work in Azure that follows a run inside the VM: repairs (setting azure), and a backup as their proof (setting
/// prove). A VM must not be written to from an extension of it that has not ended: the two would wait for each other.
/// So a process of its own does it, after the run's final status:
///
///     worker --plans--> azure.json <--works off-- "azure" process, started by the worker, an enable or the guard
///
///  1. It waits until nothing writes to the VM in Azure, ten minutes at most.
///  2. One run of the engine repairs what acts in Azure, holding the locks that a worker holds. Each request is in the
///     journal before it is sent; after a crash Azure is looked at before anything is sent again.
///  3. It starts a backup, unless something is left that would make it fail, and waits for its recovery point.
/// Each of these reports through the stored record of the last sequence number, so that the next goal state does not
/// put an older text back; never as "transitioning", and never as error. `disable` ends it before its next step.

/// What the worker leaves to it, in a task that takes the place of an older one. Returns the substatus that says so;
/// nothing where nothing follows, and then an older task is gone too. `told_by`: "the status", or where else it will be
/// told. The caller holds the run lock.
std::optional<Substatus> plan_azure_part(const Settings& settings, const remediations::Report& report,
                                         const std::string& told_by, const System& system);

/// Starts the process, where there is something to do and it is not at work.
void start_azure_part(const std::filesystem::path& handler_folder, const System& system);

/// What that process does.
ExitCode azure_part(const std::filesystem::path& handler_folder, const System& system);

/// Held by it while it works.
std::filesystem::path azure_lock_file(const std::filesystem::path& handler_folder);

/// Whether something is left that the work in Azure does not reach: then a setting like failOnUnresolved counts.
bool is_left_inside(const remediations::Report& report);

}  // namespace handler
