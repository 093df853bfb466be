#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "remediations/changes/journal.hpp"

namespace remediations {

/// What came of the runs that a crash interrupted.
struct Recovery {
    /// The newest run, where that is one of them and was rolled back: the run of now goes on with it.
    std::optional<Journal> journal;
    /// For people, a sentence each: what could not be read or rolled back, and what to do.
    std::vector<std::string> notices;
};

/// Looks at all runs, whatever the clock said when they began.
bool any_run_was_interrupted(const std::filesystem::path& state_folder);

/// Rolls back what interrupted fixes left half done, newest first: half a fix can look healthy. A run that cannot be
/// read or rolled back stays as it is. Nothing may be at work on the machine meanwhile. `progress` is told of each run.
/// Error where the journal of what was rolled back cannot be written.
machine::Result<Recovery> roll_back_interrupted_runs(const std::filesystem::path& state_folder,
                                                     machine::Machine& machine,
                                                     const std::function<void(const std::string&)>& progress);

/// Removes the quarantines of all runs but the newest `keep` that have one, and notes in their journals that what lay
/// there cannot be put back. A run whose journal is damaged, or whose last fix was interrupted, keeps its own.
machine::Result<void> discard_old_quarantines(const std::filesystem::path& state_folder, std::size_t keep);

}  // namespace remediations
