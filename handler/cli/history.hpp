#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "handler/report/page.hpp"
#include "remediations/changes/journal.hpp"

namespace handler {

enum class Undone { nothing_to_undo, no, partly, yes };

/// One line in the output of `history`.
struct PastRun {
    std::string id;
    std::string time;  ///< "2026-11-21 01:49:07 UTC"; empty where the id has none
    std::string mode;
    std::string root_cause;
    std::size_t changes = 0;
    Undone undone = Undone::nothing_to_undo;
    std::string problem;  ///< why its journal cannot be read; then the other members are empty
};

/// Returns how many of the run's reversible steps were undone.
Undone undone(const remediations::Journal& journal);

/// Returns the runs, oldest first.
std::vector<PastRun> past_runs(const std::filesystem::path& state_folder);

std::string history_text(const std::vector<PastRun>& runs, const TextStyle& style);
/// {"schema":1,"runs":[{"id","time","mode","rootCause":ID|null,"changes":N,"undone":"no|partly|yes|nothing-to-undo",
///   "problem":TEXT|null}]}
std::string history_json(const std::vector<PastRun>& runs);

}  // namespace handler
