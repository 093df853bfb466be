#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "remediations/changes/journal.hpp"

namespace remediations {

/// The result of roll_back_interrupted_runs().
struct Recovery {
    /// The newest run, where it was interrupted and was rolled back: the current run continues its journal.
    std::optional<Journal> journal;
    /// One sentence each, for people: what could not be read or rolled back, and what to do.
    std::vector<std::string> notices;
};

/// Returns true if any run was interrupted. Looks at all runs, whatever their times are.
bool any_run_was_interrupted(const std::filesystem::path& state_folder);

/// Rolls back the uncommitted steps of interrupted runs, newest first, because half a fix can look healthy. A run that
/// cannot be read or rolled back stays as it is. The caller makes sure that nothing else works on the machine
/// meanwhile. Calls `progress` for each run. Error where the journal of a rolled-back run cannot be written.
machine::Result<Recovery> roll_back_interrupted_runs(const std::filesystem::path& state_folder,
                                                     machine::Machine& machine,
                                                     const std::function<void(const std::string&)>& progress);

/// Removes all quarantines but the newest `keep`, and notes in the journals of those runs that their content cannot be
/// put back. A run with a damaged journal, or whose last fix was interrupted, keeps its quarantine.
machine::Result<void> discard_old_quarantines(const std::filesystem::path& state_folder, std::size_t keep);

}  // namespace remediations
